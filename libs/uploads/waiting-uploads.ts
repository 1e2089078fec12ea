import type { Pool } from '#database/pool.ts';

const MARK = `
  update upload set reason = 'scanner-unavailable', version = version + 1, updated_at = now(),
    next_check_at = greatest(next_check_at, now() + interval '30 seconds')
  where id = $1 and status = 'quarantined' and reason is distinct from 'scanner-unavailable' and deleted_at is null`;

const MAKE_DUE = `
  update upload set next_check_at = now()
  where status = 'quarantined' and reason = 'scanner-unavailable' and next_check_at > now() and deleted_at is null`;

const MAKE_ALL_DUE = `
  update upload set next_check_at = now()
  where status = 'quarantined' and next_check_at > now() and deleted_at is null`;

// The longer an upload waits, the more rarely it is rung for: its job may only be far back in the queue.
const TAKE_DUE = `
  with due as (
    select id from upload
    where status in ('quarantined', 'scanning') and next_check_at <= now() and deleted_at is null
    order by next_check_at limit $1 for update skip locked)
  update upload u
  set status = 'quarantined', version = u.version + case when u.status = 'scanning' then 1 else 0 end,
    updated_at = now(),
    next_check_at = now() + least(greatest(interval '30 seconds', now() - u.created_at), interval '10 minutes')
  from due where u.id = due.id
  returning u.id`;

/** Tells the owner of an upload why it waits. */
export async function markWaiting(pool: Pool, id: string): Promise<void> {
  await pool.query({ name: 'upload-mark-waiting', text: MARK, values: [id] });
}

/** The scanner is back: everything that waits for it may be taken at once. */
export async function makeWaitingDue(pool: Pool): Promise<void> {
  await pool.query({ name: 'upload-make-due', text: MAKE_DUE });
}

/** The queue has lost its jobs. */
export async function makeUploadsDue(pool: Pool): Promise<void> {
  await pool.query({ name: 'upload-make-all-due', text: MAKE_ALL_DUE });
}

/**
 * Undecided uploads whose time has come, pushed out so that they are not taken again at once. A claim that was not
 * renewed is void from then on.
 */
export async function takeDueUploads(pool: Pool, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({ name: 'upload-take-due', text: TAKE_DUE, values: [limit] });
  return rows.map(({ id }) => id);
}
