import type { Queryable } from '#database/pool.ts';
import { removeInBatches, type Removed, type SweepPace } from '#database/remove-in-batches.ts';

/** How long ended and expired sessions are kept, for whoever asks what happened. */
const KEPT_DAYS = 7;
const LEAST_ROWS = 100;

const removeSessions = (end: 'absolute_expires_at' | 'ended_at'): string => `
  with due as (
    select s.id, r.${end} as over_at
    from refresh_token r join user_session s on s.id = r.session_id
    where r.${end} >= $3::timestamptz and r.${end} < now() - make_interval(days => $1)
    order by r.${end} limit $2
    for update of s skip locked
  ), removed as (
    delete from user_session s using due d where s.id = d.id returning d.over_at
  )
  select count(*)::int as removed, max(over_at)::text as last from removed`;

const REMOVE_SESSIONS = [removeSessions('absolute_expires_at'), removeSessions('ended_at')];

/** Of which there are few. */
const removeFrom = (table: string, key: string, end: string): string => `
  with removed as (
    delete from ${table} where ${key} in (
      select ${key} from ${table} where ${end} < now() - make_interval(days => $1) limit $2 for update skip locked)
    returning 1
  )
  select count(*)::int as removed from removed`;

const REMOVE_OTHERS = [
  removeFrom('api_token', 'id', 'least(expires_at, ended_at)'),
  removeFrom('password_reset', 'secret_hash', 'expires_at'),
  removeFrom('signing_key', 'id', 'least(verifies_until, retired_at)'),
];

/**
 * Removes what is over and was kept long enough, in small batches that wait for nobody. Nothing depends on it: every check
 * is made on reading, and the statements that rotate or end a session never match a row that this one takes.
 * @returns rows removed.
 */
export async function sweepAccess(client: Queryable, signal: AbortSignal, pace: SweepPace = {}): Promise<number> {
  const sweep = (statement: string, valuesOf: (rows: number, from: string) => unknown[]): Promise<number> =>
    removeInBatches(
      async (rows, from) => (await client.query<Removed>(statement, valuesOf(rows, from))).rows[0] ?? { removed: 0 },
      { ...pace, leastRows: LEAST_ROWS, signal },
    );
  let total = 0;
  for (const statement of REMOVE_SESSIONS) total += await sweep(statement, (rows, from) => [KEPT_DAYS, rows, from]);
  for (const statement of REMOVE_OTHERS) total += await sweep(statement, (rows) => [KEPT_DAYS, rows]);
  return total;
}
