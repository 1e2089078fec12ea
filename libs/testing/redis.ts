import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { startRedisServer, type RedisServer } from '#testing/redis-server.ts';

const NUMBERS_KEY = 'test:databases';
const DATABASES = 4_096;

/** Whether this run has a Redis: `describe.skipIf(!hasRedis())`. */
export function hasRedis(): boolean {
  return inject('services').redis !== undefined;
}

/** An empty database of the test's own on the run's shared Redis. */
export async function redisUrl(): Promise<string> {
  const { url } = requireRedis();
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    const number = 1 + ((await redis.incr(NUMBERS_KEY)) % (DATABASES - 1));
    await redis.select(number);
    await redis.flushdb();
    return `${url}/${number}`;
  } finally {
    redis.disconnect();
  }
}

/** A Redis of the test's own, to be frozen, killed, filled or configured: `{ maxmemory: '8mb' }`. */
export async function startRedis(settings: Record<string, string> = {}): Promise<RedisServer> {
  return startRedisServer(requireRedis().binary, inject('services').scratch, settings);
}

export function requireRedis(): { url: string; binary: string } {
  const { redis } = inject('services');
  if (redis === undefined) throw new Error('no Redis in this run: skip the test if !hasRedis()');
  return redis;
}
