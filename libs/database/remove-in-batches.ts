import { setTimeout as sleep } from 'node:timers/promises';

/** One statement holds its rows' locks about as long as this; the next one is made to fit. */
const TARGET_MS = 40;
const FIRST_ROWS = 100;
const MAX_ROWS = 1_000;
const REST_MS = 20;

export interface SweepPace {
  /** In milliseconds. */
  now?: () => number;
  /** Between two statements. */
  restMs?: number;
}

export interface Batches extends SweepPace {
  /** Fewer are not worth a statement, however long it takes: on a busy disk that is the commit, whatever it commits. */
  leastRows: number;
  signal: AbortSignal;
}

/** What one statement did. */
export interface Removed {
  removed: number;
  /** The latest time among the rows that it removed, as PostgreSQL writes it. */
  last?: string | null;
}

/**
 * Repeats a statement that removes at most so many rows, the oldest first, until there are none, with a rest after each. It
 * is given the time to begin from: a look that began at the oldest again and again would pass all that are removed already,
 * which stay in the index until the next vacuum. What somebody else holds meanwhile is left for the next sweep.
 * @returns rows removed
 */
export async function removeInBatches(
  remove: (rows: number, from: string) => Promise<Removed>,
  { leastRows, signal, now = () => performance.now(), restMs = REST_MS }: Batches,
): Promise<number> {
  let total = 0;
  let rows = FIRST_ROWS;
  let from = '-infinity';
  while (!signal.aborted) {
    const startedAt = now();
    const { removed, last } = await remove(rows, from);
    total += removed;
    if (removed === 0) break;
    from = last ?? from;
    rows = Math.max(leastRows, fitting(rows, now() - startedAt));
    await sleep(restMs);
  }
  return total;
}

function fitting(rows: number, tookMs: number): number {
  if (tookMs > TARGET_MS) return rows >> 1;
  return tookMs < TARGET_MS / 4 ? Math.min(MAX_ROWS, rows * 2) : rows;
}
