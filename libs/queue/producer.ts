import type { QueueConnection } from '#queue/connection.ts';
import type { QueueContract } from '#queue/contract.ts';

export interface Producer {
  /**
   * Adds one job.
   * @throws Failure `queue-unavailable` past the deadline or on any error of the store; never hangs.
   */
  ring<Data>(contract: QueueContract<string, Data>, data: NoInfer<Data>): Promise<void>;
  /** Adds all of them in one round trip. */
  ringMany<Data>(contract: QueueContract<string, Data>, data: readonly NoInfer<Data>[]): Promise<void>;
  close(): Promise<void>;
}

/** The only place that adds a job. Usable while the store is away, and again as soon as it is back. */
export declare function openProducer(connection: QueueConnection, options: { deadlineMs: number }): Producer;
