import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { migrateDatabase, startProgram, startServer } from './servers.ts';
import type { Stores } from './stores.ts';

/** A receiver under test: a server process, and the stores whose work counts as its own. */
export interface Contestant {
  name: string;
  port: number;
  /** The roots of all processes that work for it. */
  pids: readonly number[];
}

export interface ContestantOptions {
  stores: Stores;
  path: string;
  secret: string;
  /** Whether ours has a worker beside it. */
  withWorker: boolean;
}

export type OursOptions = Omit<ContestantOptions, 'path'> & {
  /** Added to the environment of its processes. */
  env?: Record<string, string>;
};

export const KINDS = ['verifyOnly', 'naive', 'insertAndAdd', 'onRedis', 'onPostgres'] as const;
export type Kind = (typeof KINDS)[number];

export async function startContestants(
  stack: AsyncDisposableStack,
  options: ContestantOptions,
): Promise<Record<Kind, Contestant>> {
  const { stores, path, secret } = options;
  const peer = { SECRET: secret, WEBHOOK_PATH: path };
  const verifyOnly = await startServer(stack, 'bench/peers/verify-only.ts', peer);
  const naive = await startServer(stack, 'bench/peers/naive-webhook.ts', {
    ...peer,
    DATABASE_URL: (await stores.database('naive')).ownerUrl,
  });
  const insertAndAdd = await startServer(stack, 'bench/peers/insert-and-add.ts', {
    ...peer,
    DATABASE_URL: (await stores.database('insert_and_add')).ownerUrl,
    QUEUE_URL: stores.redis(1),
  });
  const onRedis = await startOurs(stack, options, 'ours_redis', stores.redis(2));
  const onPostgres = await startOurs(stack, options, 'ours_postgres', undefined);
  const { postgresPid, redisPid } = stores;
  return {
    verifyOnly: { name: 'Express, verifies only', port: verifyOnly.port, pids: [verifyOnly.pid] },
    naive: { name: 'Express, parses and handles inline', port: naive.port, pids: [naive.pid, postgresPid] },
    insertAndAdd: {
      name: 'Express, one INSERT and one queue.add',
      port: insertAndAdd.port,
      pids: [insertAndAdd.pid, postgresPid, redisPid],
    },
    onRedis: { name: 'Portcullis on Redis', port: onRedis.port, pids: [...onRedis.pids, postgresPid, redisPid] },
    onPostgres: { name: 'Portcullis on PostgreSQL', port: onPostgres.port, pids: [...onPostgres.pids, postgresPid] },
  };
}

/** An ingress, and a worker if wanted, with a database called `name`; the ingress comes first in `pids`. */
export async function startOurs(
  stack: AsyncDisposableStack,
  { stores, secret, withWorker, env: added = {} }: OursOptions,
  name: string,
  queueUrl: string | undefined,
): Promise<{ port: number; pids: number[] }> {
  const { url, ownerUrl } = await stores.database(name);
  const env = {
    DATABASE_URL: url,
    LOG_LEVEL: 'warn',
    DATA_DIR: join(stores.scratch, name),
    ...(queueUrl === undefined ? {} : { QUEUE_URL: queueUrl }),
    ...added,
  };
  await migrateDatabase({ ...env, MIGRATE_DATABASE_URL: ownerUrl });
  const secrets = {
    WHATSAPP_APP_SECRET: secret,
    SESSION_SECRET: randomBytes(24).toString('hex'),
    CSRF_SECRET: randomBytes(24).toString('hex'),
  };
  const ingress = await startServer(stack, 'apps/ingress/main.ts', { ...env, ...secrets });
  const pids = [ingress.pid];
  if (withWorker) {
    const worker = await startProgram('apps/worker/main.ts', { ...env, WORKER_PORT: '0' });
    stack.defer(() => worker.stop([['SIGTERM', 10_000]]));
    pids.push(worker.pid);
  }
  return { port: ingress.port, pids };
}
