import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPool, type Pool } from '#database/pool.ts';
import { isFailure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { effort, limitFor } from '#testing/effort.ts';
import { openJournal } from '#webhooks/journal.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const journalOn = (pool: Pool, committed: string[] = []) =>
  openJournal({ pool, onCommitted: (ids) => committed.push(...ids) });

it('keeps the received bytes exactly, NUL and invalid UTF-8 included', async () => {
  const bodies = [Buffer.from([0, 0xff, 0xfe, 0]), Buffer.from('{"a":"ä\\u0000"}'), randomBytes(3_000_000)];
  const drafts = bodies.map((body) => receiptDraft(body));
  const journal = journalOn(database.pool);
  await Promise.all(drafts.map((draft) => journal.append(draft)));
  for (const draft of drafts) {
    const { rows } = await database.pool.query('select * from webhook_log where id = $1', [draft.id]);
    expect(rows[0]).toMatchObject({
      state: 'open',
      sha256: draft.sha256,
      size_bytes: draft.sizeBytes,
      secret_label: 'main',
    });
    expect((rows[0].body as Buffer).equals(draft.body!)).toBe(true);
  }
});

it('rings once for each new receipt and never for a copy', async () => {
  const committed: string[] = [];
  const journal = journalOn(database.pool, committed);
  const first = receiptDraft(randomBytes(100));
  const copy = { ...first, id: newId() };
  expect(await journal.append(first)).toEqual({ id: first.id, isCopy: false });
  expect(await journal.append(copy)).toEqual({ id: first.id, isCopy: true });
  expect(committed).toEqual([first.id]);
});

it('takes the same body from two sources as two receipts', async () => {
  const journal = journalOn(database.pool);
  const body = randomBytes(100);
  const answers = await Promise.all([
    journal.append(receiptDraft(body)),
    journal.append(receiptDraft(body, { source: 'wooalerts' })),
  ]);
  expect(answers.map(({ isCopy }) => isCopy)).toEqual([false, false]);
});

it(
  'gives 100 concurrent copies over four journals one row, one id, and no deadlock',
  { timeout: limitFor(30_000) },
  async () => {
    const rounds = effort(100, 500);
    const pools = Array.from({ length: 4 }, () =>
      openPool(database.url, { name: 'test', max: 2, onError: () => undefined }),
    );
    const committed: string[] = [];
    const journals = pools.map((pool) => journalOn(pool, committed));
    for (let round = 0; round < rounds; round += 1) {
      const bodies = Array.from({ length: 5 }, () => randomBytes(50));
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) => journals[n % 4]!.append(receiptDraft(bodies[(n * 7) % 5]!))),
      );
      expect(new Set(answers.map(({ id }) => id)).size).toBe(5);
      expect(answers.filter(({ isCopy }) => !isCopy)).toHaveLength(5);
      const { rows } = await database.pool.query<{ duplicates: number; last_duplicate_at: Date | null }>(
        'select duplicates, last_duplicate_at from webhook_log where id = any($1)',
        [[...new Set(answers.map(({ id }) => id))]],
      );
      expect(rows.map(({ duplicates }) => duplicates)).toEqual([19, 19, 19, 19, 19]);
    }
    expect(committed).toHaveLength(rounds * 5);
    await Promise.all(pools.map((pool) => pool.end()));
  },
);

it('counts nothing when a batch whose answer was lost is written again', async () => {
  const journal = journalOn(database.pool);
  const draft = receiptDraft(randomBytes(100));
  await journal.append(draft);
  expect(await journal.append(draft)).toEqual({ id: draft.id, isCopy: false });
  const { rows } = await database.pool.query('select duplicates from webhook_log where id = $1', [draft.id]);
  expect(rows).toEqual([{ duplicates: 0 }]);
});

it('stores what is no delivery as done, without a key', async () => {
  const journal = journalOn(database.pool);
  const draft = receiptDraft(Buffer.alloc(0), { verdict: 'challenge', dedupeKey: undefined });
  await journal.append(draft);
  const { rows } = await database.pool.query('select state, next_check_at, dedupe_key from webhook_log where id = $1', [
    draft.id,
  ]);
  expect(rows).toEqual([{ state: 'done', next_check_at: null, dedupe_key: null }]);
});

it('lets one bad row fail alone', async () => {
  const journal = journalOn(database.pool);
  const drafts = Array.from({ length: 20 }, () => receiptDraft(randomBytes(10)));
  const bad = receiptDraft(randomBytes(10), { textId: 'NUL \0 is no text' });
  const results = await Promise.allSettled([...drafts, bad].map((draft) => journal.append(draft)));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(results.at(-1)?.status).toBe('rejected');
});

it('fails within its limit when the database does not answer, and stores nothing twice afterwards', async () => {
  const pool = openPool(database.url, {
    name: 'test',
    max: 1,
    statementMs: 300,
    queryMs: 300,
    onError: () => undefined,
  });
  const journal = journalOn(pool);
  const blocker = await database.pool.connect();
  await blocker.query('begin');
  await blocker.query('lock table webhook_log in access exclusive mode');
  const draft = receiptDraft(randomBytes(10));
  const startedAt = performance.now();
  await expect(journal.append(draft)).rejects.toSatisfy((error) => isFailure(error, 'database-unavailable'));
  expect(performance.now() - startedAt).toBeLessThan(1_600);
  await blocker.query('rollback');
  blocker.release();
  const again = await journal.append({ ...draft, id: newId() });
  const { rows } = await database.pool.query('select id from webhook_log where dedupe_key = $1', [draft.dedupeKey]);
  expect(rows).toEqual([{ id: again.id }]);
  await pool.end();
});
