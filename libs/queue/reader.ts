import type { QueueConnection } from '#queue/connection.ts';
import type { QueueContract } from '#queue/contract.ts';

export interface Depth {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  /** Age of the job that waits longest; undefined if none waits. */
  oldestWaitingMs: number | undefined;
}

export interface QueueReader {
  /** @throws Failure `queue-unavailable` */
  depth(contract: QueueContract): Promise<Depth>;
  /** Redis' used memory divided by its `maxmemory`; undefined on PostgreSQL or without a limit. @throws Failure `queue-unavailable` */
  pressure(): Promise<number | undefined>;
  /** Whether the store lost its jobs since `markWhole`: then ring every open row, and only then call `markWhole`. @throws Failure `queue-unavailable` */
  wasWiped(): Promise<boolean>;
  markWhole(): Promise<void>;
  close(): Promise<void>;
}

/** Every answer comes within `deadlineMs`. */
export declare function openQueueReader(connection: QueueConnection, options: { deadlineMs: number }): QueueReader;
