import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { openRefusals, type Refusals } from '#webhooks/refusals.ts';

let database: TestDatabase;
let refusals: Refusals;
let nowMs = 0;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => {
  nowMs = 1_700_000_040_000;
  refusals = openRefusals({ pool: database.pool, onLost: () => undefined, now: () => nowMs });
});

const admitted = (count: number, source = 'shop'): number =>
  Array.from({ length: count }, () => refusals.admits(source)).filter(Boolean).length;

it('admits 20 rows of a source in a second and 240 in a minute, whatever the other sources get', () => {
  expect(admitted(100)).toBe(20);
  expect(admitted(100, 'other')).toBe(20);
  let inMinute = 20;
  for (let second = 1; second < 60; second += 1) {
    nowMs += 1_000;
    inMinute += admitted(100);
  }
  expect(inMinute).toBe(240);
  nowMs += 1_000;
  expect(admitted(100)).toBe(20);
});

it('writes down what it admitted, after the answer', async () => {
  const draft = receiptDraft('x', { verdict: 'refused:signature-mismatch', dedupeKey: undefined });
  refusals.add(draft);
  await refusals.drain();
  const { rows } = await database.pool.query('select verdict, state from webhook_log where id = $1', [draft.id]);
  expect(rows).toEqual([{ verdict: 'refused:signature-mismatch', state: 'done' }]);
});
