import type { BackendClasses, IQueueBackend, Processor } from 'bullmq';
import type { Pace } from '#queue/paced-backend.ts';
import type { Log } from '#runtime/log.ts';

export type JobQueue = InstanceType<BackendClasses<IQueueBackend, unknown>['Queue']>;
export type JobWorker = InstanceType<BackendClasses<IQueueBackend, unknown>['Worker']>;

export interface QueueConnectionOptions {
  /** Producers fail fast; workers wait for the store to come back. They never share a client. */
  role: 'producer' | 'worker';
  log: Log;
  /** How many consumers will start on it: each keeps one connection of the PostgreSQL pool for itself. */
  consumers?: number;
}

export interface OpenedWorker {
  worker: JobWorker;
  /** Drops its connections at once, whatever it waits for. */
  cut: () => void;
}

/** One process's way to the queue's store. Opening it needs no answer from the store. */
export interface QueueConnection {
  readonly backend: 'redis' | 'postgres';
  /** @throws Failure `queue-unavailable` if the store does not answer within `limitMs`. */
  ping(limitMs: number): Promise<void>;
  close(): Promise<void>;

  /** The rest is for libs/queue. A queue fails fast in either role. */
  openQueue(name: string): JobQueue;
  openWorker(name: string, process: Processor, options: { concurrency: number; pace: Pace }): OpenedWorker;
  /** Waits for a connection that is being made; rejects at once if the last try failed. */
  reachable(): Promise<void>;
  /** How full the store is, from 0 to 1; undefined if it has no limit. */
  pressure(): Promise<number | undefined>;
  /** Changes when the store has started anew, and may have lost what it took last; undefined if it never loses that. */
  life(): Promise<string | undefined>;
  /** Runs `work` while no other process is inside the same lock. */
  alone<T>(lock: string, work: () => Promise<T>): Promise<T>;
}
