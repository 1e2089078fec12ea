import { Cluster, Redis, type ClusterOptions, type CommonRedisOptions, type RedisOptions } from 'ioredis';
import { readRedisUrl, type ClusterAddress, type SentinelAddress, type ServerAddress } from '#redis/address.ts';

export type { Redis } from 'ioredis';

/** Of one server, of the master that Sentinels name, or of a cluster: where keys must be of one slot to be used together. */
export type RedisClient = Redis | Cluster;

export type RedisRole = 'producer' | 'worker' | 'commands' | 'limits';

/** BullMQ waits at most 10 s inside Redis for a job; a reply later than this means that the connection is dead. */
const DEAD_SOCKET_MS = 15_000;
const CONNECT_MS = 2_000;
const KEEP_ALIVE_MS = 10_000;
const MAX_RECONNECT_MS = 500;
const SENTINEL_MS = 1_000;
/** How often a cluster is asked who has which slots; a server that is asked in vain is noticed at once. */
const SLOTS_MS = 5_000;
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
 * @throws Error if the URL is none of Redis
 */
export function openRedis(url: string, options: RedisClientOptions): RedisClient {
  const address = readRedisUrl(url);
  const client = address.kind === 'cluster' ? openCluster(address, options) : openServer(address, options);
  client.on('error', options.onError);
  client.setMaxListeners(MAX_LISTENERS);
  return client;
}

const backOff = (attempt: number): number => Math.min(50 * 2 ** attempt, MAX_RECONNECT_MS);

function accessOf(
  { username, password, tls }: ServerAddress | SentinelAddress | ClusterAddress,
  name: string,
): CommonRedisOptions {
  return {
    connectionName: `portcullis-${name}`,
    connectTimeout: CONNECT_MS,
    keepAlive: KEEP_ALIVE_MS,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function openServer(address: ServerAddress | SentinelAddress, { role, name }: RedisClientOptions): Redis {
  return new Redis({
    ...settingsOf[role],
    ...accessOf(address, name),
    ...(address.kind === 'server' ? { host: address.host, port: address.port } : sentinelsOf(address)),
    db: address.database,
    retryStrategy: backOff,
    // A master that became a replica keeps its connections: only a new one finds the new master.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  });
}

function sentinelsOf({ sentinels, master, tls, ...access }: SentinelAddress): RedisOptions {
  return {
    sentinels: [...sentinels],
    name: master,
    ...(access.sentinelUsername === undefined ? {} : { sentinelUsername: access.sentinelUsername }),
    ...(access.sentinelPassword === undefined ? {} : { sentinelPassword: access.sentinelPassword }),
    ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: SENTINEL_MS,
    sentinelRetryStrategy: backOff,
  };
}

function openCluster(address: ClusterAddress, { role, name, onError }: RedisClientOptions): Cluster {
  const { enableOfflineQueue = true, ...others } = settingsOf[role];
  const options: ClusterOptions = {
    // While the connection to a server is being made, commands are refused without it. The limits look at the status first.
    enableOfflineQueue: enableOfflineQueue || role === 'limits',
    clusterRetryStrategy: backOff,
    slotsRefreshInterval: SLOTS_MS,
    slotsRefreshTimeout: CONNECT_MS,
    // A command whose connection broke is sent again, which counters must not be: it may have been counted.
    ...(role === 'limits' ? { retryDelayOnFailover: 0 } : {}),
    // The names stay names, so that certificates can be held against them.
    dnsLookup: (host, callback) => callback(null, host),
    // Pipelines of its own making would take a script's number of keys for its key.
    redisOptions: { ...others, enableAutoPipelining: false, ...accessOf(address, name) },
  };
  const cluster = new Cluster([...address.nodes], options);
  cluster.on('node error', onError);
  cluster.on('+node', (server: Redis) => {
    if (server.options.readOnly !== true) server.connect().catch(() => undefined);
  });
  return cluster;
}

/** The servers that hold the keys: all masters of a cluster. */
export function serversOf(client: RedisClient): readonly Redis[] {
  return client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
}

/**
 * A client for a BullMQ worker. The worker makes a copy of it to wait on, which it connects again even after it was
 * closed while Redis was away: `cut` ends the client and its copies for good.
 */
export function openWorkerRedis(
  url: string,
  options: Omit<RedisClientOptions, 'role'>,
): { redis: RedisClient; cut: () => void } {
  const redis = openRedis(url, { ...options, role: 'worker' });
  const clients = [redis];
  const duplicate = redis.duplicate.bind(redis) as (...overrides: unknown[]) => RedisClient;
  redis.duplicate = (...overrides: unknown[]): never => {
    const copy = duplicate(...overrides);
    copy.on('error', options.onError);
    clients.push(copy);
    return copy as never;
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
export async function whenReady(redis: RedisClient): Promise<void> {
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
