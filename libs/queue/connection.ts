import { openPostgresConnection } from '#queue/postgres-connection.ts';
import type { QueueConnection, QueueConnectionOptions } from '#queue/queue-connection.ts';
import { openRedisConnection } from '#queue/redis-connection.ts';
import { isRedisUrl } from '#queue/settings.ts';

export type { QueueConnection, QueueConnectionOptions } from '#queue/queue-connection.ts';

/** `redis://`, `rediss://`, `postgres://` or `postgresql://` decides the backend. */
export function openQueueConnection(url: string, options: QueueConnectionOptions): QueueConnection {
  return isRedisUrl(url) ? openRedisConnection(url, options) : openPostgresConnection(url, options);
}
