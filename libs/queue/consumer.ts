import type { QueueConnection } from '#queue/connection.ts';
import type { QueueContract } from '#queue/contract.ts';
import type { Log } from '#runtime/log.ts';

export type Work<Data> = (data: Data, signal: AbortSignal) => Promise<void>;

export interface ConsumerOptions {
  concurrency: number;
  log: Log;
}

export interface RunningConsumer {
  readonly queue: string;
  /** Milliseconds since the epoch of the last job begun or ended, or of the last time the store came back. */
  readonly lastProgressMs: number;
  /** Jobs in work in this process. */
  readonly running: number;
  /** False while the store is away, or while jobs wait and none is taken. */
  isHealthy(): boolean;
  /** Takes no further job; those in work go on. For breakers: it may be called inside a job. */
  pause(): void;
  resume(): void;
  /** Stops taking jobs, waits for those in work, aborts their signals shortly before `limitMs`, and leaves at `limitMs`. */
  close(limitMs?: number): Promise<void>;
}

export interface Consumer<Name extends string = string, Data = unknown> {
  readonly contract: QueueContract<Name, Data>;
  /** Does the work of one job as production does it, without a queue. */
  run(data: Data, signal?: AbortSignal): Promise<void>;
  /** Starts at once, whether the store is there or not. */
  start(connection: QueueConnection, options: ConsumerOptions): RunningConsumer;
}

/**
 * A payload that does not parse, or a Failure that no retry can help, fails the job for good; everything else is tried
 * again as the contract says.
 */
export declare function consume<const Name extends string, Data>(
  contract: QueueContract<Name, Data>,
  work: Work<Data>,
): Consumer<Name, Data>;
