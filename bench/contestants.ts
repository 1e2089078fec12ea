import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../libs/runtime/free-port.ts';
import { spawnTethered } from '../libs/runtime/spawn-tethered.ts';
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

const root = join(import.meta.dirname, '..');
const READY_LIMIT_MS = 20_000;
/** As docker-compose.yml and npm start run it. */
const INGRESS_FLAGS = ['--max-semi-space-size=64'];

/** Starts, in this order: verify-only, insert-and-add, ours on Redis, ours on PostgreSQL. */
export async function startContestants(stack: AsyncDisposableStack, options: ContestantOptions): Promise<Contestant[]> {
  const { stores, path, secret } = options;
  const peer = { SECRET: secret, WEBHOOK_PATH: path };
  const verifyOnly = await startServer(stack, 'bench/peers/verify-only.ts', peer);
  const insertAndAdd = await startServer(stack, 'bench/peers/insert-and-add.ts', {
    ...peer,
    DATABASE_URL: (await stores.database('insert_and_add')).ownerUrl,
    QUEUE_URL: stores.redis(1),
  });
  const onRedis = await startOurs(stack, options, 'ours_redis', stores.redis(2));
  const onPostgres = await startOurs(stack, options, 'ours_postgres', undefined);
  const { postgresPid, redisPid } = stores;
  return [
    { name: 'Express, verifies only', port: verifyOnly.port, pids: [verifyOnly.pid] },
    {
      name: 'Express, one INSERT and one queue.add',
      port: insertAndAdd.port,
      pids: [insertAndAdd.pid, postgresPid, redisPid],
    },
    { name: 'Portcullis on Redis', port: onRedis.port, pids: [...onRedis.pids, postgresPid, redisPid] },
    { name: 'Portcullis on PostgreSQL', port: onPostgres.port, pids: [...onPostgres.pids, postgresPid] },
  ];
}

async function startOurs(
  stack: AsyncDisposableStack,
  { stores, secret, withWorker }: ContestantOptions,
  name: string,
  queueUrl: string | undefined,
): Promise<{ port: number; pids: number[] }> {
  const { url, ownerUrl } = await stores.database(name);
  const env = {
    DATABASE_URL: url,
    LOG_LEVEL: 'warn',
    DATA_DIR: join(stores.scratch, name),
    ...(queueUrl === undefined ? {} : { QUEUE_URL: queueUrl }),
  };
  const migrate = await startProgram('apps/migrate/main.ts', { ...env, MIGRATE_DATABASE_URL: ownerUrl });
  if ((await migrate.ended) !== 0) throw new Error('the migration failed');
  const secrets = {
    WHATSAPP_APP_SECRET: secret,
    SESSION_SECRET: randomBytes(24).toString('hex'),
    CSRF_SECRET: randomBytes(24).toString('hex'),
  };
  const ingress = await startServer(stack, 'apps/ingress/main.ts', { ...env, ...secrets }, INGRESS_FLAGS);
  const pids = [ingress.pid];
  if (withWorker) {
    const worker = await startProgram('apps/worker/main.ts', { ...env, WORKER_PORT: '0' });
    stack.defer(() => worker.stop([['SIGTERM', 10_000]]));
    pids.push(worker.pid);
  }
  return { port: ingress.port, pids };
}

async function startServer(
  stack: AsyncDisposableStack,
  file: string,
  env: Record<string, string>,
  flags: readonly string[] = [],
): Promise<{ port: number; pid: number }> {
  const port = await freePort();
  const server = await startProgram(file, { ...env, PORT: String(port) }, flags);
  stack.defer(() => server.stop([['SIGTERM', 10_000]]));
  const limit = Date.now() + READY_LIMIT_MS;
  while (!(await answers(port))) {
    if (!server.running || Date.now() > limit) throw new Error(`${file} did not start`);
    await sleep(50);
  }
  return { port, pid: server.pid };
}

const startProgram = (file: string, env: Record<string, string>, flags: readonly string[] = []) =>
  spawnTethered(process.execPath, [...flags, join(root, file)], {
    endSignal: 'SIGTERM',
    graceMs: 10_000,
    cwd: root,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
    onLine: (line) => console.error(`  ${file}: ${line}`),
  });

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/livez`);
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
