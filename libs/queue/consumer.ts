import { databaseFailure } from '#database/pool.ts';
import type { QueueConnection } from '#queue/queue-connection.ts';
import type { QueueContract } from '#queue/contract.ts';
import { parsePayload, traceOf } from '#queue/payload.ts';
import { startConsumer, type ConsumerOptions, type RunningConsumer } from '#queue/running-consumer.ts';
import { correlate } from '#runtime/correlation.ts';
import { newId } from '#runtime/id.ts';

export type { ConsumerOptions, RunningConsumer } from '#queue/running-consumer.ts';

export type Work<Data> = (data: Data, signal: AbortSignal) => Promise<void>;

export interface Consumer<Name extends string = string, Data = unknown> {
  readonly contract: QueueContract<Name, Data>;
  /** Does the work of one job as production does it, without a queue. */
  run(data: Data, signal?: AbortSignal): Promise<void>;
  /** Starts at once, whether the store is there or not. */
  start(connection: QueueConnection, options: ConsumerOptions): RunningConsumer;
}

/**
 * A payload that does not parse, or a Failure that no retry can help, fails the job for good; everything else is tried
 * again as the contract says. That the database is away is the failure `database-unavailable`, whatever the driver calls it.
 */
export function consume<const Name extends string, Data>(
  contract: QueueContract<Name, Data>,
  work: Work<Data>,
): Consumer<Name, Data> {
  async function perform(payload: unknown, signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    await correlate(traceOf(payload) ?? newId(), async () => {
      try {
        await work(parsePayload(contract, payload), signal);
      } catch (error) {
        const failure = databaseFailure(error);
        onError(failure);
        throw failure;
      }
    });
  }
  return {
    contract,
    run: (data, signal = new AbortController().signal) => perform(data, signal, () => undefined),
    start: (connection, options) => startConsumer({ contract, perform }, connection, options),
  };
}
