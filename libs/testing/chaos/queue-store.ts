import { findRedis } from '#testing/redis-binary.ts';
import { startRedisServer, type RedisServer } from '#testing/redis-server.ts';
import { openSentinelGroup, type SentinelGroup } from '#testing/sentinel-group.ts';

/** What holds the queue; neither, where PostgreSQL does. */
export interface QueueStore {
  redis: RedisServer | undefined;
  sentinel: SentinelGroup | undefined;
}

export interface QueueStoreOptions {
  backend: 'postgres' | 'redis' | 'sentinel';
  /** For its files. */
  directory: string;
  /** Redis' appendfsync, or `off` for no append-only file. */
  appendOnly: 'off' | 'everysec' | 'always';
}

export async function openQueueStore(
  { backend, directory, appendOnly }: QueueStoreOptions,
  stack: AsyncDisposableStack,
): Promise<QueueStore> {
  if (backend === 'postgres') return { redis: undefined, sentinel: undefined };
  const binary = findRedis(directory);
  if (binary === undefined) throw new Error('a Redis or Valkey server is needed; Debian has one in redis-tools');
  if (backend === 'sentinel') {
    const group = await openSentinelGroup({ binary, scratch: directory }, { isFronted: true });
    return { redis: undefined, sentinel: stack.use(group) };
  }
  const server = await startRedisServer(binary, directory, {
    'maxmemory-policy': 'noeviction',
    ...(appendOnly === 'off' ? {} : { appendonly: 'yes', appendfsync: appendOnly }),
  });
  return { redis: stack.use(server), sentinel: undefined };
}
