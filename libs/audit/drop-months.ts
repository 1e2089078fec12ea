import type { Pool } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';

/** The database's own word: only sealed months are dropped, and how many are kept only the owner of the schema decides. */
const NOT_SEALED = '55000';

/** So many seals may have changed places in time when a clock was set back. */
const MISPLACED_SEALS = 1_000;

/** Seals of earlier months whose events a cursor has not passed: what is not forwarded yet is not dropped. */
const UNREAD = `
  select from audit_cursor c
  where c.name = any($1) and c.position < (
    select coalesce(max(last_position), 0) from (
      select first_position + event_count - 1 as last_position from audit_seal
      where sealed_at < date_trunc('month', now()) order by sealed_at desc limit ${MISPLACED_SEALS}
    ) as latest)
  limit 1`;

/**
 * Opens the months ahead, and drops those past their time, each with an event that says so.
 * @returns how many months were dropped.
 */
export async function keepMonths(pool: Pool, readers: readonly string[], signal: AbortSignal): Promise<number> {
  await pool.query('select security_event_open_months(2)');
  if ((await pool.query(UNREAD, [readers])).rowCount !== 0) return 0;
  let dropped = 0;
  while (!signal.aborted && (await dropMonth(pool))) dropped += 1;
  return dropped;
}

async function dropMonth(pool: Pool): Promise<boolean> {
  try {
    const { rows } = await pool.query<{ month: string | null }>('select security_event_drop_month($1)::text as month', [
      newId(),
    ]);
    return rows[0]?.month !== null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NOT_SEALED) return false;
    throw error;
  }
}
