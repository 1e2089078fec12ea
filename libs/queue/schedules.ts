import { isDeepStrictEqual } from 'node:util';
import type { JobQueue, QueueConnection } from '#queue/queue-connection.ts';
import type { QueueContract } from '#queue/contract.ts';
import { jobOptionsOf, parsePayload } from '#queue/payload.ts';
import { queueFailure } from '#queue/queue-failure.ts';
import { openQueueHandle } from '#queue/queue-handle.ts';

const DEADLINE_MS = 10_000;
const TIME_ZONE = 'UTC';

export interface Changes {
  put: number;
  removed: number;
}

/**
 * Makes the store's schedules those that the contracts declare: new and changed ones are put, undeclared ones removed,
 * and the others not touched, because upserting one starts it anew. Processes that call it at once take turns.
 * @throws Failure `queue-unavailable`
 */
export async function declareSchedules(
  connection: QueueConnection,
  contracts: readonly QueueContract[],
): Promise<Changes> {
  const changes: Changes = { put: 0, removed: 0 };
  try {
    await connection.alone('schedules', async () => {
      for (const contract of contracts) await declareOf(connection, contract, changes);
    });
  } catch (error) {
    throw queueFailure(error);
  }
  return changes;
}

async function declareOf(connection: QueueConnection, contract: QueueContract, changes: Changes): Promise<void> {
  const handle = openQueueHandle(connection, contract.name);
  try {
    await handle.use(DEADLINE_MS, (queue) => declare(queue, contract, changes));
  } finally {
    await handle.close();
  }
}

async function declare(queue: JobQueue, contract: QueueContract, changes: Changes): Promise<void> {
  const found = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]));
  for (const schedule of contract.schedules) {
    const data = parsePayload(contract, schedule.data);
    const known = found.get(schedule.id);
    found.delete(schedule.id);
    const isKept =
      known?.pattern === schedule.pattern &&
      known.tz === TIME_ZONE &&
      isDeepStrictEqual(known.template?.data, data) &&
      (await hasNextJob(queue, known.key, known.next));
    if (isKept) continue;
    await queue.upsertJobScheduler(
      schedule.id,
      { pattern: schedule.pattern, tz: TIME_ZONE },
      { name: contract.name, data, opts: jobOptionsOf(contract) },
    );
    changes.put += 1;
  }
  for (const id of found.keys()) {
    await queue.removeJobScheduler(id);
    changes.removed += 1;
  }
}

/** A schedule lives in the one job that it made last: lost, it never fires again. */
async function hasNextJob(queue: JobQueue, key: string, next: number | undefined): Promise<boolean> {
  return next !== undefined && (await queue.getJob(`repeat:${key}:${next}`)) !== undefined;
}
