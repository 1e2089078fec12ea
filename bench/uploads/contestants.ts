import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalClamd } from '../../libs/uploads/local-clamd.ts';
import { startServer } from '../servers.ts';
import type { Stores } from '../stores.ts';
import type { BenchFile } from './files.ts';
import { startOurs, type Ours } from './ours.ts';
import { formRequest, rawRequest, tusRequest } from './requests.ts';

/** A server that takes files. */
export interface Contestant {
  name: string;
  port: number;
  /** The roots of all processes that work for it. */
  pids: readonly number[];
  accepted: string;
  request: (file: BenchFile) => Buffer;
  /** Called when its requests are answered, outside of the time that is measured. */
  after: (count: number) => Promise<void>;
}

export interface Contestants {
  ours: Ours;
  /** In this order: the ceiling, naive, tus, ours without its worker, ours with its worker. */
  all: Contestant[];
}

export async function startContestants(
  stack: AsyncDisposableStack,
  stores: Stores,
  clamd: LocalClamd,
): Promise<Contestants> {
  const { postgresPid, redisPid } = stores;
  const start = async (file: string, env: Record<string, string> = {}) => {
    const directory = join(stores.scratch, file.replaceAll(/\W/g, '-'));
    mkdirSync(directory);
    const server = await startServer(stack, file, { FILES_DIR: directory, ...env });
    return { ...server, after: async () => emptyDirectory(directory) };
  };
  const ceiling = await start('bench/peers/copy-and-sync.ts');
  const socket = clamd.url.replace('unix:', '');
  const naive = await start('bench/peers/naive-upload.mjs', { CLAMD_SOCKET: socket });
  const tus = await start('bench/peers/tus.mjs');
  const ours = await startOurs(stack, stores, clamd);
  const oursPids = [ours.ingressPid, postgresPid, redisPid];
  const oursRequest = (file: BenchFile): Buffer => formRequest('/api/attachments/bench', file, ours.token);
  const all: Contestant[] = [
    {
      ...ceiling,
      name: 'copied, hashed and synced, nothing else',
      pids: [ceiling.pid],
      accepted: '202',
      request: (file) => rawRequest('/', file),
    },
    {
      ...naive,
      name: 'multer, read again, scanned in the request',
      pids: [naive.pid, clamd.pid],
      accepted: '201',
      request: (file) => formRequest('/upload', file),
    },
    {
      ...tus,
      name: '@tus/server (not synced, not scanned)',
      pids: [tus.pid],
      accepted: '201',
      request: (file) => tusRequest('/files', file),
    },
    {
      name: 'Portcullis, its worker waits',
      port: ours.port,
      pids: oursPids,
      accepted: '202',
      request: oursRequest,
      after: async () => undefined,
    },
    {
      name: 'Portcullis, its worker scans meanwhile',
      port: ours.port,
      pids: [...oursPids, ours.workerPid, clamd.pid],
      accepted: '202',
      request: oursRequest,
      async after(count) {
        await ours.untilClean(count);
        await ours.clear();
      },
    },
  ];
  return { ours, all };
}

function emptyDirectory(directory: string): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
}
