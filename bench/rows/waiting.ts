import { createSecretKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openQueueConnection } from '../../libs/queue/connection.ts';
import { openProducer } from '../../libs/queue/producer.ts';
import { openLog } from '../../libs/runtime/log.ts';
import { newId } from '../../libs/runtime/id.ts';
import { webhooks } from '../../libs/webhooks/queue.ts';
import { openDeliveries } from '../delivery.ts';
import { loadHttp } from '../http-load.ts';
import { PATH } from '../webhooks/measure.ts';
import type { Place } from './place.ts';

const CONNECTIONS = 64;
const SETTLE_MS = 1_000;
const LOOK_MS = 500;
const DRAIN_LIMIT_MS = 900_000;
const LONE_JOBS = 10_000;

export interface WaitingMemory {
  waiting: number;
  jobs: number;
  /** Bytes of Redis for each waiting webhook, where they come fast enough to share jobs. */
  bytesEach: number;
  /** The same where each has a job of its own. */
  bytesAlone: number;
}

/** Events applied a second while one worker works off what waits, from its start to the last effect. */
export async function measureDrain(place: Place, waiting: number): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const { pool } = place;
  const effects = async (): Promise<number> => {
    const { rows } = await pool.query<{ effects: number }>('select count(*)::int as effects from effect');
    return rows[0]?.effects ?? 0;
  };
  const before = await effects();
  const startedAt = performance.now();
  await place.startWorkers(stack, 1);
  while ((await effects()) < before + waiting) {
    if (performance.now() - startedAt > DRAIN_LIMIT_MS) throw new Error('what waits is not worked off');
    await sleep(LOOK_MS);
  }
  return waiting / ((performance.now() - startedAt) / 1_000);
}

/** What Redis holds for webhooks that were acknowledged while no worker ran. */
export async function measureWaiting(
  { port, urls: { redisUrl } }: Pick<Place, 'port' | 'urls'>,
  { secret, waiting, aloneUrl }: { secret: string; waiting: number; aloneUrl: string },
): Promise<WaitingMemory> {
  const redis = new Redis(redisUrl);
  try {
    const before = await usedMemory(redis);
    const next = openDeliveries(createSecretKey(secret, 'utf8'), { path: PATH, host: `127.0.0.1:${port}` });
    let left = waiting;
    const client = { next: () => (left-- > 0 ? next() : undefined) };
    const { statuses } = await loadHttp({ port, clients: Array.from({ length: CONNECTIONS }, () => client) });
    if (statuses['200'] !== waiting) throw new Error(`the ingress answered ${JSON.stringify(statuses)}`);
    await sleep(SETTLE_MS);
    const jobs = await redis.llen(`bull:${webhooks.name}:wait`);
    const shared = await usedMemory(redis);
    await ringAlone(aloneUrl);
    await sleep(SETTLE_MS);
    return {
      waiting,
      jobs,
      bytesEach: (shared - before) / waiting,
      bytesAlone: ((await usedMemory(redis)) - shared) / LONE_JOBS,
    };
  } finally {
    redis.disconnect();
  }
}

async function ringAlone(redisUrl: string): Promise<void> {
  const connection = openQueueConnection(redisUrl, {
    role: 'producer',
    log: openLog({ name: 'bench', level: 'fatal' }),
  });
  const producer = openProducer(connection, { deadlineMs: 10_000 });
  try {
    for (let rung = 0; rung < LONE_JOBS; rung += 500) {
      await producer.ringMany(
        webhooks,
        Array.from({ length: 500 }, () => ({ receiptIds: [newId()] })),
      );
    }
  } finally {
    await producer.close();
    await connection.close();
  }
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}
