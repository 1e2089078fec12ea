import { defineEntity, p } from '@mikro-orm/core';
import type { Queryable } from '#database/pool.ts';

/** When each sweep last ran (table sweep_run): kept in PostgreSQL, because a wiped queue forgets its schedules. */
export const SweepRunEntity = defineEntity({
  name: 'SweepRun',
  tableName: 'sweep_run',
  properties: {
    name: p.text().primary(),
    begunAt: p.datetime(),
    succeededAt: p.datetime().nullable(),
    swept: p.integer().default(0),
    sweptTotal: p.bigint().defaultRaw('0'),
    lastError: p.text().nullable(),
  },
});

/** One regular piece of work: @returns how many rows it swept. Harmless when run never, twice, or concurrently. */
export type Sweep = (signal: AbortSignal) => Promise<number>;

/** Runs a sweep and keeps what came of it. */
export async function runSweep(client: Queryable, name: string, sweep: Sweep, signal: AbortSignal): Promise<number> {
  await client.query(
    `insert into sweep_run (name, begun_at) values ($1, now())
     on conflict (name) do update set begun_at = excluded.begun_at`,
    [name],
  );
  try {
    const swept = await sweep(signal);
    await client.query(
      `update sweep_run set succeeded_at = now(), swept = $2::int, swept_total = swept_total + $2::int, last_error = null
       where name = $1`,
      [name, swept],
    );
    return swept;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await client.query('update sweep_run set last_error = left($2, 500) where name = $1', [name, message]);
    throw error;
  }
}

/** Of the given sweeps those that have not begun for `patienceSeconds`: their schedule must have been lost. */
export async function overdueSweeps(
  client: Queryable,
  names: readonly string[],
  patienceSeconds: number,
): Promise<string[]> {
  // A sweep that has never run is due from when it was first asked for.
  await client.query(
    `insert into sweep_run (name, begun_at) select name, now() from unnest($1::text[]) as given (name)
     on conflict (name) do nothing`,
    [names],
  );
  const { rows } = await client.query<{ name: string }>(
    'select name from sweep_run where name = any($1) and begun_at <= now() - make_interval(secs => $2)',
    [names, patienceSeconds],
  );
  return rows.map((row) => row.name);
}

export interface SweepState {
  name: string;
  begunAt: Date;
  succeededAt: Date | null;
  swept: number;
  lastError: string | null;
}

/** What is kept of every sweep. */
export async function sweepStates(client: Queryable): Promise<SweepState[]> {
  const { rows } = await client.query<SweepState>(`
    select name, begun_at as "begunAt", succeeded_at as "succeededAt", swept, last_error as "lastError"
    from sweep_run order by name`);
  return rows;
}
