import type { Log } from '#runtime/log.ts';

export interface QueueConnectionOptions {
  /** Producers fail fast; workers wait for the store to come back. They never share a client. */
  role: 'producer' | 'worker';
  log: Log;
  /** How many consumers will start on it: each keeps one connection of the PostgreSQL pool for itself. */
  consumers?: number;
}

/** One process's way to the queue's store. Opening it needs no answer from the store. */
export interface QueueConnection {
  readonly backend: 'redis' | 'postgres';
  /** @throws Failure `queue-unavailable` if the store does not answer within `limitMs`. */
  ping(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

/** `redis://`, `rediss://`, `postgres://` or `postgresql://` decides the backend. */
export declare function openQueueConnection(url: string, options: QueueConnectionOptions): QueueConnection;
