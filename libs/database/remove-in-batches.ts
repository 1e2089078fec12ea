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

/**
 * Repeats a statement that removes at most so many rows, and says how many it did, until there are none, with a rest after
 * each. @returns rows removed
 */
export async function removeInBatches(
  remove: (rows: number) => Promise<number>,
  { leastRows, signal, now = () => performance.now(), restMs = REST_MS }: Batches,
): Promise<number> {
  let total = 0;
  let rows = FIRST_ROWS;
  while (!signal.aborted) {
    const startedAt = now();
    const removed = await remove(rows);
    total += removed;
    if (removed === 0) break;
    rows = Math.max(leastRows, fitting(rows, now() - startedAt));
    await sleep(restMs);
  }
  return total;
}

function fitting(rows: number, tookMs: number): number {
  if (tookMs > TARGET_MS) return rows >> 1;
  return tookMs < TARGET_MS / 4 ? Math.min(MAX_ROWS, rows * 2) : rows;
}
