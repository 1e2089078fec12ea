import type { Queryable } from '#database/pool.ts';
import { removeInBatches, type Removed, type SweepPace } from '#database/remove-in-batches.ts';
import type { RetentionDaysOf } from '#webhooks/retention.ts';

/** Few, because a body may have megabytes. */
const LEAST_ROWS = 10;
/** Of the bodies that one statement removes: each is many rows of its own on disk. */
const MAX_BYTES = 4 * 1024 * 1024;
/**
 * Removes what is past its source's time: closed receipts, closed events with their effects, message statuses; in small
 * batches that wait for nobody. What is open stays, however old it is. @returns rows removed
 */
export async function sweepReceipts(
  client: Queryable,
  retentionDaysOf: RetentionDaysOf,
  signal: AbortSignal,
  pace: SweepPace = {},
): Promise<number> {
  let total = 0;
  for (const [table, remove] of Object.entries(REMOVE)) {
    for (const source of await sourcesIn(client, table)) {
      const days = retentionDaysOf(source);
      total += await removeInBatches(
        async (rows, from) =>
          (await client.query<Removed>(remove, [source, days, rows, from])).rows[0] ?? { removed: 0 },
        { ...pace, leastRows: LEAST_ROWS, signal },
      );
    }
  }
  return total;
}

/** Every source that has rows in a table: one look into its index for each, where `distinct` would read all rows. */
async function sourcesIn(client: Queryable, table: string): Promise<string[]> {
  const { rows } = await client.query<{ source: string }>(`
    with recursive found as (
      (select source from ${table} order by source limit 1)
      union all
      select (select source from ${table} where source > found.source order by source limit 1)
      from found where found.source is not null
    )
    select source from found where source is not null`);
  return rows.map(({ source }) => source);
}

const COUNT = 'select count(*)::int as removed, max(at)::text as last from removed';

/** Receipts are compared and ordered by source as well: only an index of the source's own rows serves that, however old others are. */
const REMOVE = {
  webhook_log: `
    with due as (
      select id, received_at, sum(size_bytes) over (order by received_at, id) - size_bytes as bytes_before
      from (
        select id, received_at, size_bytes from webhook_log
        where (source, received_at) >= ($1, $4::timestamptz)
          and (source, received_at) < ($1, now() - make_interval(days => $2)) and state <> 'open'
        order by source, received_at, id limit $3 for update skip locked
      ) as oldest
    ), removed as (
      delete from webhook_log using due where webhook_log.id = due.id and bytes_before < ${MAX_BYTES}
      returning due.received_at as at
    )
    ${COUNT}`,
  webhook_event: `
    with due as (
      select id, created_at from webhook_event
      where source = $1 and created_at >= $4::timestamptz and created_at < now() - make_interval(days => $2) and state <> 'open'
      order by created_at, id limit $3 for update skip locked
    ), effects as (
      delete from webhook_effect using due where event_id = due.id
    ), removed as (
      delete from webhook_event using due where webhook_event.id = due.id returning due.created_at as at
    )
    ${COUNT}`,
  message_status: `
    with due as (
      select message_id, changed_at from message_status
      where source = $1 and changed_at >= $4::timestamptz and changed_at < now() - make_interval(days => $2)
      order by changed_at limit $3 for update skip locked
    ), removed as (
      delete from message_status using due
      where source = $1 and message_status.message_id = due.message_id
      returning due.changed_at as at
    )
    ${COUNT}`,
};
