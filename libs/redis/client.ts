import { Redis, type RedisOptions } from 'ioredis';

export type { Redis } from 'ioredis';

export type RedisRole = 'producer' | 'worker' | 'commands' | 'limits';

/** BullMQ waits at most 10 s inside Redis for a job; a reply later than this means that the connection is dead. */
const DEAD_SOCKET_MS = 15_000;
const MAX_RECONNECT_MS = 500;
/** Each caller of `whenReady` is one for as long as it waits. */
const MAX_LISTENERS = 1_000;

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
  limits: {
    ...failFast(1_000),
    // What was sent before the connection broke may have been counted: sent again it would be counted twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
  },
  worker: { maxRetriesPerRequest: null, socketTimeout: DEAD_SOCKET_MS },
};

export interface RedisClientOptions {
  role: RedisRole;
  /** Shown in CLIENT LIST. */
  name: string;
  onError: (error: Error) => void;
}

/**
 * `producer`, `commands` and `limits` fail fast: no offline queue, and every command has a deadline. `worker` waits for Redis to
 * come back. Connecting goes on in the background in each of them.
 */
export function openRedis(url: string, { role, name, onError }: RedisClientOptions): Redis {
  const redis = new Redis(url, {
    ...settingsOf[role],
    connectionName: `portcullis-${name}`,
    connectTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, MAX_RECONNECT_MS),
  });
  redis.on('error', onError);
  redis.setMaxListeners(MAX_LISTENERS);
  return redis;
}

/**
 * A client for a BullMQ worker. The worker makes a copy of it to wait on, which it connects again even after it was
 * closed while Redis was away: `cut` ends the client and its copies for good.
 */
export function openWorkerRedis(
  url: string,
  options: Omit<RedisClientOptions, 'role'>,
): { redis: Redis; cut: () => void } {
  const redis = openRedis(url, { ...options, role: 'worker' });
  const clients = [redis];
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => {
    const copy = duplicate(override);
    copy.on('error', options.onError);
    clients.push(copy);
    return copy;
  };
  return {
    redis,
    cut() {
      for (const client of clients) {
        client.connect = () => Promise.reject(new Error('Connection is closed.'));
        client.disconnect();
      }
    },
  };
}

/** Waits for a connection that is being made; rejects at once if the last try failed. */
export async function whenReady(redis: Redis): Promise<void> {
  if (redis.status !== 'connecting' && redis.status !== 'connect') return;
  await new Promise<void>((resolve, reject) => {
    const settle = (act: () => void) => (): void => {
      redis.off('ready', onReady);
      redis.off('close', onClose);
      act();
    };
    const onReady = settle(resolve);
    const onClose = settle(() => reject(new Error('Redis could not be reached')));
    redis.once('ready', onReady);
    redis.once('close', onClose);
  });
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
