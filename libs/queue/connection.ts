import { openPostgresConnection } from '#queue/postgres-connection.ts';
import type { QueueConnection, QueueConnectionOptions } from '#queue/queue-connection.ts';
import { openRedisConnection } from '#queue/redis-connection.ts';
import { isRedisUrl } from '#redis/address.ts';

export type { QueueConnection, QueueConnectionOptions } from '#queue/queue-connection.ts';

/** A URL of Redis, in any of its forms, or of PostgreSQL decides the backend. */
export function openQueueConnection(url: string, options: QueueConnectionOptions): QueueConnection {
  return isRedisUrl(url) ? openRedisConnection(url, options) : openPostgresConnection(url, options);
}
