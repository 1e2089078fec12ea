import type { Queryable } from '#database/pool.ts';

export interface PastReceipts {
  source?: string;
  state?: string;
  daysOld: number;
  count?: number;
  bodyBytes?: number;
}

/** So many receipts, each with an event that has an effect, and a message status. */
export async function insertPastReceipts(client: Queryable, receipts: PastReceipts): Promise<void> {
  const { source = 'shop', state = 'done', daysOld, count = 1, bodyBytes = 100 } = receipts;
  await client.query(
    `with receipt as (
       insert into webhook_log (id, source, provider, verdict, state, dedupe_key, sha256, size_bytes, client_address,
         headers, body, correlation_id, received_at, verify_us, batch_wait_us)
       select gen_random_uuid(), $1, 'woocommerce', 'accepted', $2, sha256(gen_random_uuid()::text::bytea), '\\x00', $5,
         '203.0.113.9', '{}', convert_to(repeat(md5(n::text), $5 / 32), 'UTF8'), 'r', now() - make_interval(days => $3, secs => n), 40, 90
       from generate_series(1, $4) as n returning id, received_at
     ), event as (
       insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id, created_at)
       select gen_random_uuid(), $1, id::text, id, 'order.created', '{}', '{"a":1}', '{"b":2}', $2, 'r', received_at
       from receipt returning id, event_key, created_at
     ), effect as (
       insert into webhook_effect (event_id, handler, replay) select id, 'forward', 0 from event
     )
     insert into message_status (source, message_id, status, rank, event_id, changed_at)
     select $1, event_key, 'sent', 1, id, created_at from event`,
    [source, state, daysOld, count, bodyBytes],
  );
}
