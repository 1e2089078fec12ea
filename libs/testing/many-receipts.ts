import { runAs } from '#testing/database-template.ts';
import type { TestDatabase } from '#testing/database.ts';

/**
 * So many receipts of a month, newest last: of three sources in unequal parts, one in a hundred refused, one in a thousand
 * dead, each accepted one with an event whose key is `key-<n>`. Then the planner's statistics.
 */
export async function insertManyReceipts({ pool, ownerUrl }: TestDatabase, count: number): Promise<void> {
  await pool.query(
    `insert into webhook_log (id, source, provider, verdict, state, dedupe_key, text_id, sha256, size_bytes,
       client_address, headers, body, correlation_id, received_at, verify_us, batch_wait_us)
     select ${ID}, case when n % 1000 = 0 then 'rare' when n % 3 = 0 then 'shop' else 'whatsapp' end, 'whatsapp',
       case when n % 100 = 0 then 'refused:signature-mismatch' when n % 5001 = 0 then 'ping' else 'accepted' end,
       case when n % 1000 = 1 then 'dead' else 'done' end,
       case when n % 100 > 0 and n % 5001 > 0 then sha256(int4send(n)) end, 'text-' || n, sha256(int4send(n)), 2, '203.0.113.9', '{}', '{}',
       'request-' || n, date_trunc('milliseconds', now()) - make_interval(secs => ($1 - n) * 26), 40, 900
     from generate_series(1, $1::int) as n`,
    [count],
  );
  await pool.query(
    `insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id,
       created_at)
     select gen_random_uuid(), source, 'key-' || substring(text_id from 6), id, 'message.received', '{}', '{}', '{}',
       'done', correlation_id, received_at
     from webhook_log where verdict = 'accepted'`,
  );
  await runAs(ownerUrl, 'vacuum analyze webhook_log, webhook_event');
}

/** Uuids in the order of n, as those of version 7 are in the order of time. */
const ID = "(lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid";
