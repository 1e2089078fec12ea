import type { QueueConnection } from '#queue/queue-connection.ts';
import type { QueueContract } from '#queue/contract.ts';
import { jobOptionsOf, parsePayload } from '#queue/payload.ts';
import { openQueueHandle, type QueueHandle } from '#queue/queue-handle.ts';
import { Failure } from '#runtime/failure.ts';

/** More additions than this are not kept waiting for a store that does not answer. */
const MAX_UNSETTLED = 256;

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
export function openProducer(connection: QueueConnection, { deadlineMs }: { deadlineMs: number }): Producer {
  const handles = new Map<string, QueueHandle>();

  function handleOf(name: string): QueueHandle {
    const handle = handles.get(name) ?? openQueueHandle(connection, name);
    handles.set(name, handle);
    if (handle.unsettled >= MAX_UNSETTLED) {
      throw new Failure('queue-unavailable', { detail: 'too many additions wait for an answer' });
    }
    return handle;
  }

  return {
    async ring(contract, data) {
      const payload = parsePayload(contract, data);
      await handleOf(contract.name).use(deadlineMs, (queue) =>
        queue.add(contract.name, payload, jobOptionsOf(contract)),
      );
    },

    async ringMany(contract, data) {
      if (data.length === 0) return;
      const opts = jobOptionsOf(contract);
      const jobs = data.map((item) => ({ name: contract.name, data: parsePayload(contract, item), opts }));
      await handleOf(contract.name).use(deadlineMs, (queue) => queue.addBulk(jobs));
    },

    async close() {
      await Promise.all([...handles.values()].map((handle) => handle.close()));
    },
  };
}
