import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import type { LocalClamd } from '../../libs/uploads/local-clamd.ts';
import { addressOf, makePeople, signIn } from '../access/people.ts';
import { migrateDatabase, startProgram, startServer } from '../servers.ts';
import type { Stores } from '../stores.ts';

export interface Ours {
  port: number;
  ingressPid: number;
  workerPid: number;
  token: string;
  pool: Pool;
  /** Holds the doorbell back, so that uploads wait; what is being scanned is finished. */
  pauseScans(): Promise<void>;
  resumeScans(): Promise<void>;
  /** Resolves when this many uploads have a verdict, and all are clean. */
  untilClean(count: number): Promise<void>;
  /** Forgets all uploads, rows and files. */
  clear(): Promise<void>;
}

const LOOK_MS = 10;
const VERDICT_LIMIT_MS = 180_000;

/** An ingress, and a worker that only scans, with as many scans at once as clamd has threads; `added` joins their environment. */
export async function startOurs(
  stack: AsyncDisposableStack,
  stores: Stores,
  clamd: LocalClamd,
  added: Record<string, string> = {},
): Promise<Ours> {
  const { url, ownerUrl } = await stores.database('ours');
  const dataDir = join(stores.scratch, 'ours');
  const queueUrl = stores.redis(2);
  const env = {
    DATABASE_URL: url,
    QUEUE_URL: queueUrl,
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    TRUST_PROXY: '127.0.0.1/32',
    LIMITS_PER_MINUTE: 'anonymous:10000000,user:10000000',
    UPLOADS_PER_HOUR: '1000000000',
    UPLOAD_QUOTA_BYTES: '999999999999',
    QUARANTINE_MAX_BYTES: '999999999999',
    CLAMD_URL: clamd.url,
    SCAN_TEST_SIGNATURES: 'allow',
    WORKER_CONCURRENCY_UPLOADS: String(clamd.threads),
    ...added,
  };
  await migrateDatabase({ ...env, MIGRATE_DATABASE_URL: ownerUrl });
  const ingress = await startServer(stack, 'apps/ingress/main.ts', {
    ...env,
    SESSION_SECRET: randomBytes(24).toString('hex'),
    CSRF_SECRET: randomBytes(24).toString('hex'),
  });
  const worker = await startProgram('apps/worker/main.ts', { ...env, WORKER_PORT: '0' }, [], ['uploads']);
  stack.defer(() => worker.stop([['SIGTERM', 10_000]]));
  const [person] = await makePeople(url, 1);
  if (person === undefined) throw new Error('there is nobody');
  const { accessToken } = await signIn(ingress.port, person, addressOf(1));
  const pool = stack.adopt(new Pool({ connectionString: ownerUrl, max: 2 }), (opened) => opened.end());
  const connection = stack.adopt(new Redis(queueUrl, { maxRetriesPerRequest: null }), (opened) => opened.disconnect());
  const queue = stack.adopt(new Queue('uploads', { connection }), (opened) => opened.close());

  return {
    port: ingress.port,
    ingressPid: ingress.pid,
    workerPid: worker.pid,
    token: accessToken,
    pool,
    pauseScans: () => queue.pause(),
    resumeScans: () => queue.resume(),
    untilClean: (count) => untilClean(pool, count),
    async clear() {
      await pool.query('truncate upload');
      for (const zone of ['quarantine', 'clean']) {
        for (const name of readdirSync(join(dataDir, zone))) rmSync(join(dataDir, zone, name), { force: true });
      }
    },
  };
}

async function untilClean(pool: Pool, count: number): Promise<void> {
  const limit = Date.now() + VERDICT_LIMIT_MS;
  for (;;) {
    const { rows } = await pool.query<{ status: string; count: number }>(
      `select status, count(*)::int from upload where status not in ('quarantined', 'scanning') group by status`,
    );
    const done = rows.reduce((sum, row) => sum + row.count, 0);
    const isOther = rows.some(({ status }) => status !== 'clean');
    if (isOther || Date.now() > limit) throw new Error(`not all uploads are clean: ${JSON.stringify(rows)}`);
    if (done >= count) return;
    await sleep(LOOK_MS);
  }
}
