import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Queryable } from '#database/pool.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runAs } from '#testing/database-template.ts';
import { effort } from '#testing/effort.ts';
import { sweepReceipts } from '#webhooks/sweep-receipts.ts';

const MAX_LOCK_MS = 100;
const never = new AbortController().signal;

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const table of ['webhook_log', 'webhook_event', 'webhook_effect', 'message_status']) {
    await database.pool.query(`delete from ${table}`);
  }
});

interface Rows {
  source?: string;
  state?: string;
  daysOld: number;
  count?: number;
  bodyBytes?: number;
}

/** So many receipts, each with an event that has an effect, and a message status. */
async function keep({ source = 'shop', state = 'done', daysOld, count = 1, bodyBytes = 100 }: Rows): Promise<void> {
  await database.pool.query(
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

async function left(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<Record<string, number>>(
    `select (select count(*) from webhook_log) as receipts, (select count(*) from webhook_event) as events,
       (select count(*) from webhook_effect) as effects, (select count(*) from message_status) as statuses`,
  );
  return rows[0] ?? {};
}

it('removes what is past the time of its source, and nothing younger', async () => {
  for (const source of ['shop', 'whatsapp', 'unknown']) {
    for (const daysOld of [7, 9, 29, 31, 91]) await keep({ source, daysOld });
  }
  const daysOf = (source: string): number => ({ shop: 8, whatsapp: 90 })[source] ?? 30;
  expect(await sweepReceipts(database.pool, daysOf, never)).toBe(3 * (4 + 1 + 2));
  expect(await left()).toEqual({ receipts: 8, events: 8, effects: 8, statuses: 8 });
  const { rows } = await database.pool.query(
    `select source, array_agg((now()::date - received_at::date) order by received_at desc) as days
     from webhook_log group by source order by source`,
  );
  expect(rows).toEqual([
    { source: 'shop', days: [7] },
    { source: 'unknown', days: [7, 9, 29] },
    { source: 'whatsapp', days: [7, 9, 29, 31] },
  ]);
});

it('leaves alone what is open or being worked on, however old it is', async () => {
  await keep({ daysOld: 400, state: 'open' });
  await keep({ daysOld: 400, state: 'dead' });
  const client = await database.pool.connect();
  await keep({ daysOld: 401, source: 'locked' });
  await client.query('begin');
  await client.query("select 1 from webhook_log where source = 'locked' for update");
  await sweepReceipts(database.pool, () => 30, never);
  await client.query('rollback');
  client.release();
  expect(await left()).toMatchObject({ receipts: 2, events: 1 });
});

it('stops when it is told to', async () => {
  await keep({ daysOld: 31, count: 500 });
  const stop = AbortSignal.abort();
  expect(await sweepReceipts(database.pool, () => 30, stop)).toBe(0);
});

it(
  `holds no lock for ${MAX_LOCK_MS} ms while it removes many rows, large and small`,
  { timeout: 300_000, retry: 2 },
  async () => {
    await keep({ daysOld: 31, count: effort(20_000, 200_000) });
    await keep({ daysOld: 32, count: effort(100, 1_000), bodyBytes: 512 * 1024, source: 'large' });
    await runAs(database.ownerUrl, 'analyze webhook_log, webhook_event, webhook_effect, message_status');
    const times: number[] = [];
    const timed: Queryable = {
      query: (async (text: string, values: unknown[]) => {
        const startedAt = performance.now();
        const result = await database.pool.query(text, values);
        times.push(performance.now() - startedAt);
        return result;
      }) as unknown as Queryable['query'],
    };
    const waits: number[] = [];
    const over = new AbortController();
    const writer = (async () => {
      while (!over.signal.aborted) {
        const startedAt = performance.now();
        await database.pool.query(
          `update webhook_log set duplicates = duplicates + 1
           where id = (select id from webhook_log where source = 'shop' order by received_at limit 1)`,
        );
        waits.push(performance.now() - startedAt);
        await sleep(5);
      }
    })();
    await sweepReceipts(timed, () => 30, never);
    over.abort();
    await writer;
    expect(await left()).toEqual({ receipts: 0, events: 0, effects: 0, statuses: 0 });
    expect(Math.max(...times)).toBeLessThan(MAX_LOCK_MS);
    expect(Math.max(...waits)).toBeLessThan(MAX_LOCK_MS);
  },
);
