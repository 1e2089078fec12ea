import type { Queryable } from '#database/pool.ts';
import { removeInBatches, type SweepPace } from '#database/remove-in-batches.ts';

/** How long ended and expired sessions are kept, for whoever asks what happened. */
const KEPT_DAYS = 7;
const LEAST_ROWS = 100;

const remove = (due: string): string => `
  with due as (
    select s.id
    from refresh_token r join user_session s on s.id = r.session_id
    where ${due}
    limit $2
    for update of s skip locked
  )
  delete from user_session s using due d where s.id = d.id`;

const REMOVE_EXPIRED = remove(`r.absolute_expires_at < now() - make_interval(days => $1)`);
const REMOVE_ENDED = remove(`r.ended_at < now() - make_interval(days => $1)`);
const REMOVE_API_TOKENS = `
  delete from api_token where id in (
    select id from api_token
    where least(expires_at, ended_at) < now() - make_interval(days => $1)
    limit $2 for update skip locked)`;
const REMOVE_RESETS = `
  delete from password_reset where secret_hash in (
    select secret_hash from password_reset
    where expires_at < now() - make_interval(days => $1)
    limit $2 for update skip locked)`;
const REMOVE_SIGNING_KEYS = `
  delete from signing_key where id in (
    select id from signing_key
    where least(verifies_until, retired_at) < now() - make_interval(days => $1)
    limit $2 for update skip locked)`;

/**
 * Removes what is over and was kept long enough, in small batches that wait for nobody. Nothing depends on it: every check
 * is made on reading, and the statements that rotate or end a session never match a row that this one takes.
 * @returns rows removed.
 */
export async function sweepAccess(client: Queryable, signal: AbortSignal, pace: SweepPace = {}): Promise<number> {
  let total = 0;
  for (const statement of [REMOVE_EXPIRED, REMOVE_ENDED, REMOVE_API_TOKENS, REMOVE_RESETS, REMOVE_SIGNING_KEYS]) {
    total += await removeInBatches(async (rows) => (await client.query(statement, [KEPT_DAYS, rows])).rowCount ?? 0, {
      ...pace,
      leastRows: LEAST_ROWS,
      signal,
    });
  }
  return total;
}
