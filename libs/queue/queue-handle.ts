import type { JobQueue, QueueConnection } from '#queue/queue-connection.ts';
import { queueFailure } from '#queue/queue-failure.ts';
import { settledWithin, within } from '#runtime/deadline.ts';

const CLOSE_MS = 1_000;

export interface QueueHandle {
  /** @throws Failure `queue-unavailable` past the limit and on any error of the store. */
  use<T>(limitMs: number, work: (queue: JobQueue) => Promise<T>): Promise<T>;
  /** Calls of the store that have not settled, those whose caller gave up included. */
  readonly unsettled: number;
  close(): Promise<void>;
}

/** A queue that is opened when it is needed, and opened anew if its store was away then: BullMQ never recovers from that. */
export function openQueueHandle(connection: QueueConnection, name: string): QueueHandle {
  let opening: Promise<JobQueue> | undefined;
  let unsettled = 0;

  function ready(): Promise<JobQueue> {
    opening ??= openReadyQueue(connection, name).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  async function counted<T>(work: (queue: JobQueue) => Promise<T>): Promise<T> {
    unsettled += 1;
    try {
      await connection.reachable();
      return await work(await ready());
    } finally {
      unsettled -= 1;
    }
  }

  return {
    async use(limitMs, work) {
      try {
        return await within(limitMs, counted(work), 'queue-unavailable');
      } catch (error) {
        throw queueFailure(error);
      }
    },
    get unsettled() {
      return unsettled;
    },
    async close() {
      if (opening !== undefined)
        await settledWithin(
          CLOSE_MS,
          opening.then((queue) => queue.close()),
        );
    },
  };
}

/** Rejects if the store is away, as then the queue must be thrown away: it would never work. */
export async function openReadyQueue(connection: QueueConnection, name: string): Promise<JobQueue> {
  await connection.reachable();
  const queue = connection.openQueue(name);
  // What fails is told to whoever asked; the connection logs its own errors.
  queue.on('error', () => undefined);
  try {
    await queue.waitUntilReady();
    return queue;
  } catch (error) {
    queue.close().catch(() => undefined);
    throw error;
  }
}
