import { Redis, type RedisOptions } from 'ioredis';

export type { Redis } from 'ioredis';

export type RedisRole = 'producer' | 'worker' | 'commands';

/** BullMQ waits at most 10 s inside Redis for a job; a reply later than this means that the connection is dead. */
const DEAD_SOCKET_MS = 15_000;
const MAX_RECONNECT_MS = 500;

const failFast = (commandTimeout: number): RedisOptions => ({
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout,
  // Without it the commands of a frozen Redis pile up in memory after their deadline.
  socketTimeout: 2 * commandTimeout,
});

const settingsOf: Record<RedisRole, RedisOptions> = {
  producer: failFast(1_000),
  commands: failFast(2_000),
  worker: { maxRetriesPerRequest: null, socketTimeout: DEAD_SOCKET_MS },
};

/**
 * `producer` and `commands` fail fast: no offline queue, and every command has a deadline. `worker` waits for Redis to
 * come back. Connecting goes on in the background in each of them.
 */
export function openRedis(
  url: string,
  { role, name, onError }: { role: RedisRole; name: string; onError: (error: Error) => void },
): Redis {
  const redis = new Redis(url, {
    ...settingsOf[role],
    connectionName: `portcullis-${name}`,
    connectTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, MAX_RECONNECT_MS),
  });
  redis.on('error', onError);
  return redis;
}

/** Used memory divided by `maxmemory`; undefined where there is no limit. */
export async function memoryRatioOf(redis: Redis): Promise<number | undefined> {
  const memory = parseInfo(await redis.info('memory'));
  const limit = Number(memory.get('maxmemory') ?? 0);
  return limit > 0 ? Number(memory.get('used_memory')) / limit : undefined;
}

/** The lines of an INFO reply by name. */
export function parseInfo(reply: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of reply.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
