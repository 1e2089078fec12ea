import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, Queryable } from '../../libs/database/pool.ts';

const WRITER_REST_MS = 5;

/** All in milliseconds but the rows. */
export interface SweepTimes {
  rows: number;
  took: number;
  statements: number[];
  /** How long each statement of another took that writes to a row which is to be removed. */
  waits: number[];
}

/** How somebody writes to the row that goes next: the look for it passes all that are gone, and is not part of the wait. */
export interface Write {
  next: string;
  write: string;
}

/** Runs a sweep while somebody keeps writing to the rows that it removes. */
export async function timeSweep(
  pool: Pool,
  sweep: (client: Queryable, signal: AbortSignal) => Promise<number>,
  { next, write }: Write,
): Promise<SweepTimes> {
  const statements: number[] = [];
  const waits: number[] = [];
  const over = new AbortController();
  const writing = (async () => {
    while (!over.signal.aborted) {
      const { rows } = await pool.query<{ id: string }>(next);
      const startedAt = performance.now();
      await pool.query(write, [rows[0]?.id]);
      waits.push(performance.now() - startedAt);
      await sleep(WRITER_REST_MS);
    }
  })();
  const startedAt = performance.now();
  const rows = await sweep(timed(pool, statements), over.signal);
  const took = performance.now() - startedAt;
  over.abort();
  await writing;
  return { rows, took, statements, waits };
}

function timed(pool: Pool, statements: number[]): Queryable {
  return {
    query: (async (text: string, given: unknown[]) => {
      const startedAt = performance.now();
      const result = await pool.query(text, given);
      statements.push(performance.now() - startedAt);
      return result;
    }) as unknown as Queryable['query'],
  };
}
