import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Depth, QueueReader } from '#queue/reader.ts';
import { Failure } from '#runtime/failure.ts';
import { openLog } from '#runtime/log.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { webhooks } from '#webhooks/queue.ts';
import { claimDueReceipts, makeAllDue } from '#webhooks/relay.ts';
import { openRelay, type RelayedTable } from './relay.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.pool.query('delete from webhook_log');
});

async function keepOpen(count: number, ageSeconds: number): Promise<string[]> {
  const drafts = Array.from({ length: count }, (_, n) => receiptDraft(`${n}`));
  await insertReceipts(database.pool, drafts, Date.now());
  await database.pool.query('update webhook_log set next_check_at = next_check_at - make_interval(secs => $1)', [
    ageSeconds,
  ]);
  return drafts.map(({ id }) => id);
}

const away = (): Promise<never> => Promise.reject(new Failure('queue-unavailable'));

function relayWith({ depth = {}, pressure = 0, wiped = false, isAway = false, ringFails = false } = {}) {
  const rung: string[] = [];
  const processed: string[] = [];
  const calls = { whole: 0 };
  let nowMs = 0;
  const idle: Depth = { waiting: 0, active: 0, delayed: 0, failed: 0, oldestWaitingMs: undefined };
  const reader: QueueReader = {
    depth: () => (isAway ? away() : Promise.resolve({ ...idle, ...depth })),
    pressure: () => Promise.resolve(pressure),
    wasWiped: () => (isAway ? away() : Promise.resolve(wiped)),
    markWhole: () => {
      calls.whole += 1;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  const table: RelayedTable = {
    queue: webhooks,
    claim: (options) => claimDueReceipts(database.pool, options),
    ring: (ids) => {
      if (ringFails) return away();
      rung.push(...ids);
      return Promise.resolve();
    },
    work: (ids) => {
      processed.push(...ids);
      return Promise.resolve();
    },
  };
  const log = openLog({ name: 'test', level: 'silent' });
  const relay = openRelay({
    tables: [table],
    reader,
    makeAllDue: () => makeAllDue(database.pool),
    log,
    now: () => nowMs,
  });
  return {
    relay,
    rung,
    processed,
    calls,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

it('rings again for open receipts past their time', async () => {
  const ids = await keepOpen(600, 10);
  const { relay, rung } = relayWith();
  expect(await relay.tick()).toBe(600);
  expect(rung.toSorted()).toEqual(ids.toSorted());
});

it('leaves receipts alone whose doorbell has had no time yet', async () => {
  await keepOpen(5, 0);
  expect(await relayWith().relay.tick()).toBe(0);
});

it('does not ring for the same receipts again at once, nor do two relays for the same ones', async () => {
  await keepOpen(50, 10);
  const [one, two] = [relayWith(), relayWith()];
  const counts = await Promise.all([one.relay.tick(), two.relay.tick()]);
  expect(counts[0] + counts[1]).toBe(50);
  expect(await one.relay.tick()).toBe(0);
});

it('rings for every open receipt when the queue has lost its jobs', async () => {
  await keepOpen(5, 0);
  const { relay, rung, calls } = relayWith({ wiped: true });
  expect(await relay.tick()).toBe(5);
  expect(rung).toHaveLength(5);
  expect(calls.whole).toBe(1);
});

it('rings for all of them although jobs that came later keep the queue busy', async () => {
  await keepOpen(1_500, 0);
  const wiped = relayWith({ wiped: true, depth: { waiting: 1_000, oldestWaitingMs: 5_000 } });
  expect(await wiped.relay.tick()).toBe(1_024);
  expect(await wiped.relay.tick()).toBeGreaterThanOrEqual(476);
  expect(new Set(wiped.rung).size).toBe(1_500);
});

it('makes every open receipt due when the queue has lost its jobs, but for one that somebody has in hand', async () => {
  const [held = ''] = await keepOpen(5_500, -3_600);
  const holder = await database.pool.connect();
  await holder.query('begin');
  await holder.query('select from webhook_log where id = $1 for update', [held]);
  await makeAllDue(database.pool).finally(() => holder.release(true));
  const { rows } = await database.pool.query('select id from webhook_log where next_check_at > now()');
  expect(rows).toEqual([{ id: held }]);
});

describe('while many jobs wait', () => {
  it('rings only for receipts so old that their jobs must be lost', async () => {
    await keepOpen(3, 10);
    const { relay } = relayWith({ depth: { waiting: 1_000, oldestWaitingMs: 5_000 } });
    expect(await relay.tick()).toBe(0);
    await database.pool.query("update webhook_log set next_check_at = now() - interval '61 seconds'");
    expect(await relay.tick()).toBe(3);
  });
});

it('rings for what is due while all jobs that wait are younger: its own was lost', async () => {
  await keepOpen(3, 10);
  const { relay } = relayWith({ depth: { waiting: 1_000, oldestWaitingMs: 1_500 } });
  expect(await relay.tick()).toBe(3);
});

it('does not ring when Redis is nearly full, and processes receipts itself', async () => {
  const ids = await keepOpen(3, 10);
  const { relay, rung, processed } = relayWith({ pressure: 0.71 });
  expect(await relay.tick()).toBe(3);
  expect(rung).toEqual([]);
  expect(processed.toSorted()).toEqual(ids.toSorted());
});

it('processes receipts itself once the queue has been silent for two seconds', async () => {
  const ids = await keepOpen(3, 10);
  const { relay, processed, pass } = relayWith({ isAway: true });
  expect(await relay.tick()).toBe(0);
  pass(1_999);
  expect(await relay.tick()).toBe(0);
  pass(1);
  expect(await relay.tick()).toBe(3);
  expect(processed.toSorted()).toEqual(ids.toSorted());
});

it('processes receipts itself when ringing fails', async () => {
  await keepOpen(3, 10);
  const { relay, processed } = relayWith({ ringFails: true });
  expect(await relay.tick()).toBe(3);
  expect(processed).toHaveLength(3);
});
