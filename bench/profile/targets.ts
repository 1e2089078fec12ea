import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openLocalClamd } from '../../libs/uploads/local-clamd.ts';
import { signInMany, startOurs as startAccess } from '../access/contestants.ts';
import { readingOwnUser } from '../access/clients.ts';
import { startOurs as startWebhooks } from '../contestants.ts';
import { openGenerator } from '../generator.ts';
import { clientsFor, loadHttp } from '../http-load.ts';
import type { Stores } from '../stores.ts';
import { makeFiles } from '../uploads/files.ts';
import { startOurs as startUploads } from '../uploads/ours.ts';
import { formRequest } from '../uploads/requests.ts';

/** One ingress of ours, with or without a worker, and the load that the bench puts on it. */
export interface Target {
  /** Process ids by name; the first is the ingress. */
  processes: Record<string, number>;
  /** Loads it for so long; `around` is called right before the first request and after the last answer. */
  load(seconds: number, around: Around): Promise<{ requests: number; seconds: number }>;
}

export interface Around {
  before: () => Promise<void> | void;
  after: () => Promise<void> | void;
}

export interface TargetOptions {
  stores: Stores;
  connections: number;
  withWorker: boolean;
  /** Added to the environment of the processes that are profiled. */
  env: Record<string, string>;
}

type StartTarget = (stack: AsyncDisposableStack, options: TargetOptions) => Promise<Target>;

const WEBHOOK_PATH = '/api/whatsapp/webhook';
const PREPARED_PER_SECOND = 12_000;
const FILE_BYTES = 1024 * 1024;
const FILES_PER_SECOND = 60;
const UPLOAD_CONNECTIONS = 8;

export const targets: Record<'webhooks' | 'access' | 'uploads', StartTarget> = {
  webhooks: async (stack, { stores, connections, withWorker, env }) => {
    const secret = randomBytes(24).toString('hex');
    const ours = await startWebhooks(stack, { stores, secret, withWorker, env }, 'profiled', stores.redis(2));
    const [ingress = 0, worker] = ours.pids;
    return {
      processes: { ingress, ...(worker === undefined ? {} : { worker }) },
      async load(seconds, { before, after }) {
        using generator = openGenerator();
        const { port } = ours;
        const prepared = seconds * PREPARED_PER_SECOND;
        const order = { path: WEBHOOK_PATH, secret, connections, seconds, port, prepared };
        await before();
        const result = await generator.load(order, { before: () => undefined, after: () => undefined });
        await after();
        requireOnly(result.statuses, '200');
        return result;
      },
    };
  },

  access: async (stack, { stores, connections, env }) => {
    const ours = await startAccess(stack, stores, { onRedis: true, env });
    const { signedIn } = await signInMany(ours, connections);
    const clients = signedIn.map(readingOwnUser);
    return {
      processes: { ingress: ours.pids[0] },
      async load(seconds, { before, after }) {
        await before();
        const result = await loadHttp({ port: ours.ports[0], seconds, clients });
        await after();
        requireOnly(result.statuses, '200');
        return result;
      },
    };
  },

  uploads: async (stack, { stores, withWorker, env }) => {
    const clamd = await openLocalClamd({ dataDir: join(stores.scratch, 'scanner'), restart: false });
    if (clamd === undefined) throw new Error('clamd is needed; Debian has it in clamav-daemon');
    stack.use(clamd);
    await clamd.ready();
    const ours = await startUploads(stack, stores, clamd, env);
    if (!withWorker) await ours.pauseScans();
    return {
      processes: { ingress: ours.ingressPid, ...(withWorker ? { worker: ours.workerPid } : {}) },
      async load(seconds, { before, after }) {
        const files = makeFiles(seconds * FILES_PER_SECOND, FILE_BYTES);
        const requests = files.map((file) => formRequest('/api/attachments/bench', file, ours.token));
        await before();
        const result = await loadHttp({ port: ours.port, clients: clientsFor(UPLOAD_CONNECTIONS, requests) });
        if (withWorker) await ours.untilClean(files.length);
        await after();
        requireOnly(result.statuses, '202');
        await ours.clear();
        return result;
      },
    };
  },
};

function requireOnly(statuses: Record<string, number>, status: string): void {
  if (Object.keys(statuses).join() !== status) throw new Error(`answered ${JSON.stringify(statuses)}`);
}
