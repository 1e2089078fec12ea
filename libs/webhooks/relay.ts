import type { Queryable } from '#database/pool.ts';

/** What the relay takes in one look. */
export const RELAY_ROWS = 1_024;
/** A receipt this old is rung however long the queue is. */
const OVERDUE_SECONDS = 60;
const MAX_PAUSE_SECONDS = 600;

const CLAIM = `
  with due as (
    select id from webhook_log
    where state = 'open' and next_check_at <= now() - make_interval(secs => $2)
    order by next_check_at
    limit $1
    for update skip locked
  )
  update webhook_log
  set checks = checks + 1,
      next_check_at = now() + make_interval(secs => least(${MAX_PAUSE_SECONDS}, 5 * power(2, least(checks, 7))))
  from due where webhook_log.id = due.id
  returning webhook_log.id`;

/**
 * Takes open receipts whose time has come and pushes their next time out, so that no other worker takes them meanwhile.
 * With `onlyOverdue` those alone that have waited so long that their jobs must be lost.
 */
export async function claimDueReceipts(
  client: Queryable,
  { limit = RELAY_ROWS, onlyOverdue = false }: { limit?: number; onlyOverdue?: boolean } = {},
): Promise<string[]> {
  const result = await client.query<{ id: string }>({
    name: 'receipts-claim',
    text: CLAIM,
    values: [limit, onlyOverdue ? OVERDUE_SECONDS : 0],
  });
  return result.rows.map((row) => row.id);
}

/** Makes every open receipt due, because the queue has lost its jobs. */
export async function makeAllDue(client: Queryable): Promise<void> {
  await client.query("update webhook_log set next_check_at = now() where state = 'open' and next_check_at > now()");
}

/** Open receipts and the age of the oldest, in seconds; 0 if there is none. */
export async function backlogOf(client: Queryable): Promise<{ open: number; oldestSeconds: number }> {
  const { rows } = await client.query<{ open: number; oldest: number | null }>(`
    select count(*) as open, extract(epoch from now() - min(received_at))::float8 as oldest
    from webhook_log where state = 'open'`);
  return { open: rows[0]?.open ?? 0, oldestSeconds: rows[0]?.oldest ?? 0 };
}
