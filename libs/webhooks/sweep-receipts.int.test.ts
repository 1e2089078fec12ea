import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Queryable } from '#database/pool.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { insertPastReceipts, type PastReceipts } from '#testing/past-receipts.ts';
import { sweepReceipts } from '#webhooks/sweep-receipts.ts';

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

const keep = (receipts: PastReceipts): Promise<void> => insertPastReceipts(database.pool, receipts);

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

interface Step {
  /** How many rows were asked for, and how many removed. */
  rows: number;
  removed: number;
}

/** Sweeps everything by a clock that says of each statement that it took so long; `between` runs after each of them. */
async function sweepBy(tookMs: number, between: () => Promise<unknown> = async () => undefined): Promise<Step[]> {
  const steps: Step[] = [];
  let nowMs = 0;
  const watched: Queryable = {
    query: (async (text: string, values?: unknown[]) => {
      const result = await database.pool.query<{ removed?: number }>(text, values);
      nowMs += tookMs;
      const rows = values?.[2];
      if (typeof rows === 'number') steps.push({ rows, removed: result.rows[0]?.removed ?? 0 });
      await between();
      return result;
    }) as unknown as Queryable['query'],
  };
  await sweepReceipts(watched, () => 30, never, { now: () => nowMs, restMs: 0 });
  return steps;
}

it('takes more rows at a time while statements are quick, up to 1,000, and no row twice', async () => {
  await keep({ daysOld: 31, count: 3_000 });
  const asked = [100, 200, 400, 800, 1_000, 1_000, 1_000];
  const removed = [100, 200, 400, 800, 1_000, 500, 0];
  const steps = await sweepBy(0);
  // Receipts, events and statuses, one table after the other.
  expect(steps.map(({ rows }) => rows)).toEqual([...asked, ...asked, ...asked]);
  expect(steps.map((step) => step.removed)).toEqual([...removed, ...removed, ...removed]);
  expect(await left()).toEqual({ receipts: 0, events: 0, effects: 0, statuses: 0 });
});

it('takes half as many after each slow statement, down to 10', async () => {
  await keep({ daysOld: 31, count: 220 });
  const steps = await sweepBy(41);
  expect(steps.slice(0, 6).map(({ rows }) => rows)).toEqual([100, 50, 25, 12, 10, 10]);
  expect(await left()).toMatchObject({ receipts: 0 });
});

it('takes no more than 4 MB of bodies at a time', async () => {
  await keep({ daysOld: 31, count: 20, bodyBytes: 512 * 1024 });
  const receipts = (await sweepBy(0)).slice(0, 4);
  expect(receipts.map(({ removed }) => removed)).toEqual([8, 8, 4, 0]);
});

it('holds no lock from one statement to the next', async () => {
  await keep({ daysOld: 31, count: 400 });
  let looks = 0;
  await sweepBy(0, async () => {
    looks += 1;
    for (const table of ['webhook_log', 'webhook_event', 'message_status']) {
      await database.pool.query(`select 1 from ${table} for update nowait`);
    }
  });
  expect(looks).toBeGreaterThan(6);
});
