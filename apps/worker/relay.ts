import type { QueueContract } from '#queue/contract.ts';
import type { QueueReader } from '#queue/reader.ts';
import { isFailure } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';

const TICK_MS = 500;
/** How long the queue may be silent before this worker claims rows itself. */
const QUEUE_PATIENCE_MS = 2_000;
/** Above this share of its memory Redis is not rung any more: its workers could not drain it either. */
const MAX_PRESSURE = 0.7;
/**
 * With this many jobs waiting, and the first of them for so long, the queue is not silent, only busy: nothing is rung for
 * again before it is overdue. While all that wait are younger, the job of a row that is due is none of them.
 */
const BUSY_JOBS = 32;
const BUSY_MS = 4_000;
const DIRECT_ROWS = 256;

/** A table whose open rows want their work done, and the queue that rings for them. */
export interface RelayedTable {
  queue: QueueContract;
  /** Takes due rows and pushes their next time out. */
  claim(options: { limit?: number; onlyOverdue?: boolean }): Promise<string[]>;
  /** @throws Failure `queue-unavailable` */
  ring(ids: readonly string[]): Promise<void>;
  /** Does what the job would do. */
  work(ids: readonly string[]): Promise<void>;
}

export interface RelayParts {
  tables: readonly RelayedTable[];
  reader: QueueReader;
  /** Makes everything that is open due. */
  makeAllDue: () => Promise<void>;
  log: Log;
  now?: () => number;
}

/**
 * Rings again for every row that is still open past its time; while the queue is away, does the work itself. It runs on a
 * timer of each worker and not as a scheduled job, because a schedule that lives in the queue can't watch over it.
 */
export function openRelay({ tables, reader, makeAllDue, log, now = Date.now }: RelayParts) {
  let silentSinceMs: number | undefined;
  /** Those of whose rows not all were rung for since the queue lost its jobs. */
  const unrung = new Set<RelayedTable>();

  /** One look at every table; @returns how many rows it rang for or worked on. */
  async function tick(): Promise<number> {
    const pressure = await pressureOf();
    let count = 0;
    for (const table of tables) count += await look(table, pressure);
    return count;
  }

  async function look(table: RelayedTable, pressure: number | 'away' | 'silent'): Promise<number> {
    if (pressure === 'silent') return 0;
    const isDirect = pressure === 'away' || pressure > MAX_PRESSURE;
    // Jobs that came after a loss say nothing of what was lost.
    const onlyOverdue = !isDirect && !unrung.has(table) && (await isBusy(table));
    const ids = await table.claim(isDirect ? { limit: DIRECT_ROWS } : { onlyOverdue });
    if (ids.length === 0) {
      unrung.delete(table);
      return 0;
    }
    if (isDirect || !(await rings(table, ids))) await table.work(ids);
    return ids.length;
  }

  /** How full the queue's store is; `away` once it has not answered for some time. */
  async function pressureOf(): Promise<number | 'away' | 'silent'> {
    try {
      if (await reader.wasWiped()) {
        log.info('the queue is new or may have lost jobs: ringing for all that is open');
        await makeAllDue();
        for (const table of tables) unrung.add(table);
        await reader.markWhole();
      }
      const pressure = await reader.pressure();
      silentSinceMs = undefined;
      return pressure ?? 0;
    } catch (error) {
      if (!isFailure(error, 'queue-unavailable')) throw error;
      silentSinceMs ??= now();
      return now() - silentSinceMs >= QUEUE_PATIENCE_MS ? 'away' : 'silent';
    }
  }

  async function isBusy(table: RelayedTable): Promise<boolean> {
    try {
      const { waiting, oldestWaitingMs = 0 } = await reader.depth(table.queue);
      return waiting >= BUSY_JOBS && oldestWaitingMs >= BUSY_MS;
    } catch (error) {
      if (isFailure(error, 'queue-unavailable')) return false;
      throw error;
    }
  }

  return { tick, tickMs: TICK_MS };
}

async function rings(table: RelayedTable, ids: readonly string[]): Promise<boolean> {
  try {
    await table.ring(ids);
    return true;
  } catch (error) {
    if (isFailure(error, 'queue-unavailable')) return false;
    throw error;
  }
}
