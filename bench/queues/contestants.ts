import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Pool } from 'pg';
import { migrateDatabase, startProgram, startServer } from '../servers.ts';
import type { Stores } from '../stores.ts';

export const PATH = '/api/whatsapp/webhook';

export interface QueueKind {
  name: string;
  /** A file of bench/peers/queues; ours has none. */
  peer?: string;
  usesRedis: boolean;
  /** What is synced to disk when it says yes. */
  kept: string;
}

export const KINDS: readonly QueueKind[] = [
  { name: 'pg-boss', peer: 'pg-boss', usesRedis: false, kept: 'job in PostgreSQL' },
  { name: 'graphile-worker', peer: 'graphile-worker', usesRedis: false, kept: 'job in PostgreSQL' },
  { name: 'bee-queue', peer: 'bee-queue', usesRedis: true, kept: 'job in Redis' },
  { name: 'bullmq, INSERT and add', peer: 'bullmq', usesRedis: true, kept: 'row in PostgreSQL, job in Redis' },
  { name: 'Portcullis on Redis', usesRedis: true, kept: 'row in PostgreSQL' },
  { name: 'Portcullis on PostgreSQL', usesRedis: false, kept: 'row in PostgreSQL' },
];

/** A receiver that takes signed messages, a queue, and a worker that writes one row in `effect` for each. */
export interface Contestant {
  kind: QueueKind;
  port: number;
  /** The roots of all processes that work for it now. */
  pids(): number[];
  effects: Pool;
  /** Kills the worker as kill -9 does and starts the next one. */
  replaceWorker(): Promise<void>;
  /** Messages that are still to be worked on, as the queue itself says. */
  waiting(): Promise<number>;
}

export interface ContestantOptions {
  stores: Stores;
  secret: string;
  database: string;
  /** Which of Redis' databases. */
  redis: number;
  /** Milliseconds of work after the effect, before the job is done. */
  workMs?: number;
}

interface Urls {
  databaseUrl: string;
  redisUrl: string;
  query: (text: string) => Promise<{ rows: { jobs: number }[] }>;
}

const OUR_WAITING = `select (select count(*) from webhook_log where state = 'open')::int
  + (select count(*) from webhook_event where state = 'open')::int as jobs`;

export async function startContestant(
  stack: AsyncDisposableStack,
  kind: QueueKind,
  { stores, secret, database, redis, workMs = 0 }: ContestantOptions,
): Promise<Contestant> {
  const { url, ownerUrl } = await stores.database(database);
  const effects = openPool(stack, ownerUrl);
  const redisUrl = stores.redis(redis);
  const { peer } = kind;
  const programs =
    peer === undefined
      ? await prepareOurs({ url, ownerUrl, secret, dataDir: join(stores.scratch, database) }, kind, redisUrl)
      : preparePeer(peer, { url: ownerUrl, secret }, redisUrl);
  await createEffects(effects);

  const receiver = await startServer(stack, programs.receiver.file, programs.receiver.env, programs.receiver.flags);
  const startWorker = () =>
    startProgram(programs.worker.file, { ...programs.worker.env, WORK_MS: String(workMs) }, programs.worker.flags);
  let worker = await startWorker();
  stack.defer(() => worker.stop([['SIGTERM', 3_000]]));
  return {
    kind,
    port: receiver.port,
    pids: () => [receiver.pid, worker.pid, stores.postgresPid, ...(kind.usesRedis ? [stores.redisPid] : [])],
    effects,
    async replaceWorker() {
      worker.signal('SIGKILL');
      await worker.ended;
      worker = await startWorker();
    },
    async waiting() {
      const query: Urls['query'] = (text) => effects.query<{ jobs: number }>(text);
      if (peer === undefined) return (await query(OUR_WAITING)).rows[0]?.jobs ?? Number.NaN;
      const queue = (await import(`../peers/queues/${peer}.mjs`)) as { waiting(urls: Urls): Promise<number> };
      return queue.waiting({ databaseUrl: ownerUrl, redisUrl, query });
    },
  };
}

export interface Program {
  file: string;
  env: Record<string, string>;
  flags?: readonly string[];
}

export interface Programs {
  receiver: Program;
  worker: Program;
}

function preparePeer(peer: string, { url, secret }: { url: string; secret: string }, redisUrl: string): Programs {
  const env = { PEER: peer, DATABASE_URL: url, QUEUE_URL: redisUrl };
  return {
    receiver: { file: 'bench/peers/queues/receiver.mjs', env: { ...env, SECRET: secret, WEBHOOK_PATH: PATH } },
    worker: { file: 'bench/peers/queues/worker.mjs', env },
  };
}

/** Migrates a database; the worker writes one row in `effect` for each event. */
export async function prepareOurs(
  { url, ownerUrl, secret, dataDir }: { url: string; ownerUrl: string; secret: string; dataDir: string },
  { usesRedis }: Pick<QueueKind, 'usesRedis'>,
  redisUrl: string,
): Promise<Programs> {
  const env = {
    DATABASE_URL: url,
    DATA_DIR: dataDir,
    LOG_LEVEL: 'fatal',
    ...(usesRedis ? { QUEUE_URL: redisUrl } : {}),
  };
  await migrateDatabase({ ...env, MIGRATE_DATABASE_URL: ownerUrl });
  const secrets = {
    WHATSAPP_APP_SECRET: secret,
    SESSION_SECRET: randomBytes(24).toString('hex'),
    CSRF_SECRET: randomBytes(24).toString('hex'),
  };
  const hook = `--import=${join(import.meta.dirname, 'use-our-handlers.mjs')}`;
  return {
    receiver: { file: 'apps/ingress/main.ts', env: { ...env, ...secrets } },
    worker: { file: 'apps/worker/main.ts', env: { ...env, WORKER_PORT: '0' }, flags: [hook] },
  };
}

export async function createEffects(pool: Pool): Promise<void> {
  await pool.query('create table effect (key text not null, at timestamptz not null default clock_timestamp())');
  await pool.query('grant select, insert on effect to portcullis');
}

export function openPool(stack: AsyncDisposableStack, connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 2 });
  // The database is ended on purpose.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  stack.defer(() => pool.end());
  return pool;
}
