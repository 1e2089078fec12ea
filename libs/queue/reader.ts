import type { JobQueue, QueueConnection } from '#queue/queue-connection.ts';
import type { QueueContract } from '#queue/contract.ts';
import { queueFailure } from '#queue/queue-failure.ts';
import { openQueueHandle, type QueueHandle } from '#queue/queue-handle.ts';
import { within } from '#runtime/deadline.ts';

export interface Depth {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  /** Age of the job that waits longest; undefined if none waits. */
  oldestWaitingMs: number | undefined;
}

/** Every answer comes within the deadline, or is the Failure `queue-unavailable`. */
export interface QueueReader {
  depth(contract: QueueContract): Promise<Depth>;
  /** Redis' used memory divided by its `maxmemory`; undefined on PostgreSQL or without a limit. */
  pressure(): Promise<number | undefined>;
  /**
   * Whether the store lost its jobs since `markWhole`, or may have lost the newest of them: ring every open row, and only then
   * call `markWhole` again.
   */
  wasWiped(): Promise<boolean>;
  markWhole(): Promise<void>;
  close(): Promise<void>;
}

/** The marker is a job that nobody takes, so it goes where jobs go. */
const MARKER_QUEUE = 'epoch';
const MARKER_ID = 'whole';
interface Marker {
  life?: string;
}

export function openQueueReader(connection: QueueConnection, { deadlineMs }: { deadlineMs: number }): QueueReader {
  const handles = new Map<string, QueueHandle>();
  /** As it was when the store was last looked at: a start anew after that is still to be noticed. */
  let life: string | undefined;

  function read<T>(name: string, work: (queue: JobQueue) => Promise<T>): Promise<T> {
    const handle = handles.get(name) ?? openQueueHandle(connection, name);
    handles.set(name, handle);
    return handle.use(deadlineMs, work);
  }

  async function inTime<T>(work: Promise<T>): Promise<T> {
    try {
      return await within(deadlineMs, work, 'queue-unavailable');
    } catch (error) {
      throw queueFailure(error);
    }
  }

  return {
    depth: (contract) => read(contract.name, depthOf),

    pressure: () => inTime(connection.pressure()),

    async wasWiped() {
      life = await inTime(connection.life());
      const marker = await read(MARKER_QUEUE, (queue) => queue.getJob(MARKER_ID));
      // Redis may have been killed before its file had the last jobs, and a replica may become master without them.
      return marker === undefined || (life !== undefined && (marker.data as Marker).life !== life);
    },

    async markWhole() {
      life ??= await inTime(connection.life());
      await read(MARKER_QUEUE, async (queue) => {
        const marker = await queue.getJob(MARKER_ID);
        await (marker?.updateData({ life }) ?? queue.add(MARKER_ID, { life }, { jobId: MARKER_ID }));
      });
    },

    async close() {
      await Promise.all([...handles.values()].map((handle) => handle.close()));
    },
  };
}

async function depthOf(queue: JobQueue): Promise<Depth> {
  const [counts, [oldest]] = await Promise.all([
    queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed'),
    queue.getJobs(['waiting'], 0, 0, true),
  ]);
  const { waiting = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return {
    waiting: waiting + prioritized,
    active,
    delayed,
    failed,
    oldestWaitingMs: oldest === undefined ? undefined : Math.max(0, Date.now() - oldest.timestamp),
  };
}
