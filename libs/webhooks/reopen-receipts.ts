import type { Queryable } from '#database/pool.ts';
import { LOCK_ORDER } from '#webhooks/insert-receipts.ts';

/** Rows that are open again. */
export interface Reopened {
  receiptIds: string[];
  eventIds: string[];
  /** Receipts of which either is one. */
  count: number;
}

/** How an event is opened once more: with a new `replay`, so that effects of earlier runs don't count as done. */
export const OPEN_AGAIN = `
  state = 'open', replay = replay + 1, attempts = 0, last_error = null, leased_until = null, closed_at = null`;

const REOPEN = `
  with given as (
    select id, wait from unnest($1::uuid[], $2::float8[]) as given (id, wait)
  ), closed as (
    select log.id, log.state, wait from webhook_log as log join given using (id)
    where state in ('done', 'dead') and verdict = 'accepted' and body is not null order by ${LOCK_ORDER} for update of log
  ), receipts as (
    update webhook_log
    set state = 'open', attempts = 0, checks = 0, last_error = null, closed_at = null,
        next_check_at = now() + make_interval(secs => wait)
    from closed where webhook_log.id = closed.id and closed.state = 'dead'
    returning webhook_log.id
  ), settled as (
    select event.id, receipt_id, wait from webhook_event as event join closed on closed.id = event.receipt_id
    where event.state in ('done', 'dead') and event.event_key not like 'erased:%' order by event.id for update of event
  ), events as (
    update webhook_event
    set ${OPEN_AGAIN}, next_check_at = now() + make_interval(secs => wait)
    from settled where webhook_event.id = settled.id
    returning webhook_event.id, webhook_event.receipt_id
  )
  select (select coalesce(array_agg(id), '{}') from receipts) as "receiptIds",
    (select coalesce(array_agg(id), '{}') from events) as "eventIds",
    (select count(*) from (select id from receipts union select receipt_id from events) as reopened) as count`;

/**
 * Opens what is closed of receipts once more: dead receipts, and the events of the others. Each becomes due after its own
 * wait.
 */
export async function reopenReceipts(
  client: Queryable,
  receipts: readonly { id: string; waitSeconds: number }[],
): Promise<Reopened> {
  const { rows } = await client.query<Reopened>({
    name: 'receipts-reopen',
    text: REOPEN,
    values: [receipts.map(({ id }) => id), receipts.map(({ waitSeconds }) => waitSeconds)],
  });
  return rows[0] ?? { receiptIds: [], eventIds: [], count: 0 };
}
