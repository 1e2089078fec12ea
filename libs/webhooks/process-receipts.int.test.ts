import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openPool, type Pool } from '#database/pool.ts';
import { isFailure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { effort, limitFor } from '#testing/effort.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { openReceiptProcessor } from '#webhooks/process-receipts.ts';
import { deadReasons } from '#webhooks/receipt-attempts.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.pool.query('delete from webhook_event');
  await database.pool.query('delete from webhook_log');
});

function whatsappBody(messageIds: readonly string[]): string {
  const messages = messageIds.map((id) => ({
    id,
    from: '4917012345678',
    timestamp: '1700000000',
    type: 'text',
    text: { body: id },
  }));
  const value = { messaging_product: 'whatsapp', metadata: { phone_number_id: '1' }, messages };
  return JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: '1', changes: [{ field: 'messages', value }] }],
  });
}

async function keep(text: string): Promise<string> {
  const draft = receiptDraft(text, { dedupeKey: randomBytes(32) });
  await insertReceipts(database.pool, [draft], Date.now());
  return draft.id;
}

const processorOn = (pool: Pool, onEvents: (ids: string[]) => void = () => undefined) =>
  openReceiptProcessor({ pool, onEvents, wants: (type) => type === 'wanted' });

const eventsOf = async (receiptId: string): Promise<string[]> => {
  const { rows } = await database.pool.query<{ event_key: string }>(
    'select event_key from webhook_event where receipt_id = $1 order by event_key',
    [receiptId],
  );
  return rows.map((row) => row.event_key);
};

const stateOf = async (id: string) => {
  const { rows } = await database.pool.query(
    'select state, attempts, last_error, next_check_at from webhook_log where id = $1',
    [id],
  );
  return rows[0];
};

it('turns a receipt into one event per update, which carry its correlation id', async () => {
  const id = await keep(whatsappBody(['wamid.A', 'wamid.B']));
  expect(await processorOn(database.pool).process(id)).toBe('closed');
  expect(await eventsOf(id)).toEqual(['wamid.A', 'wamid.B']);
  expect(await stateOf(id)).toMatchObject({ state: 'done', next_check_at: null });
  const { rows } = await database.pool.query(
    'select distinct correlation_id, type from webhook_event where receipt_id = $1',
    [id],
  );
  expect(rows).toEqual([{ correlation_id: `request-${id}`, type: 'message.received' }]);
});

it('does nothing the second time', async () => {
  const id = await keep(whatsappBody(['wamid.A']));
  const processor = processorOn(database.pool);
  expect([await processor.process(id), await processor.process(id)]).toEqual(['closed', 'settled']);
  expect(await eventsOf(id)).toHaveLength(1);
});

it('keeps an update that two receipts hold once', async () => {
  const first = await keep(whatsappBody(['wamid.A', 'wamid.B']));
  const second = await keep(whatsappBody(['wamid.B', 'wamid.C']));
  const processor = processorOn(database.pool);
  expect(await Promise.all([processor.process(first), processor.process(second)])).toEqual(['closed', 'closed']);
  const keys = [...(await eventsOf(first)), ...(await eventsOf(second))];
  expect(keys.toSorted()).toEqual(['wamid.A', 'wamid.B', 'wamid.C']);
});

it(
  'applies each receipt once when four workers race for the same ones in any order',
  { timeout: limitFor(30_000) },
  async () => {
    const rounds = effort(25, 125);
    const pools = Array.from({ length: 4 }, () =>
      openPool(database.url, { name: 'test', max: 3, onError: () => undefined }),
    );
    const processors = pools.map((pool) => processorOn(pool));
    for (let round = 0; round < rounds; round += 1) {
      const ids = await Promise.all(
        [0, 1, 2, 3, 4, 5].map((n) => keep(whatsappBody([`wamid.${round}.${n}`, `wamid.${round}.shared`]))),
      );
      const outcomes = await Promise.all(
        processors.map((processor, n) =>
          Promise.all((n % 2 ? ids : ids.toReversed()).map((id) => processor.process(id))),
        ),
      );
      expect(outcomes.flat().filter((outcome) => outcome === 'closed')).toHaveLength(6);
      const { rows } = await database.pool.query<{ n: number }>(
        'select count(*) as n from webhook_event where event_key like $1',
        [`wamid.${round}.%`],
      );
      expect(rows).toEqual([{ n: 7 }]);
    }
    await Promise.all(pools.map((pool) => pool.end()));
  },
);

it('waits for copies of several receipts without their waiting for it', { timeout: limitFor(30_000) }, async () => {
  // The later receipt has the first key.
  const [earlier, later] = [2, 1].map((n) =>
    receiptDraft(whatsappBody([`wamid.${n}`]), { dedupeKey: Buffer.alloc(32, n) }),
  );
  const drafts = [earlier!, later!];
  await insertReceipts(database.pool, drafts, Date.now());
  const holder = await database.pool.connect();
  await holder.query('begin');
  await holder.query('select from webhook_log where id = $1 for update', [later!.id]);
  const copies = insertReceipts(
    database.pool,
    drafts.map((draft) => ({ ...draft, id: newId() })),
    Date.now(),
  );
  await untilWaiting(1);
  const processor = processorOn(database.pool);
  const processed = Promise.all(drafts.map(({ id }) => processor.process(id)));
  await untilWaiting(2);
  await holder.query('commit');
  holder.release();
  expect((await copies).map(({ isCopy }) => isCopy)).toEqual([true, true]);
  expect(await processed).toEqual(['closed', 'closed']);
});

/** Until so many statements wait for a lock. */
async function untilWaiting(count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await database.pool.query<{ n: number }>(
        "select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      expect(rows[0]?.n).toBe(count);
    },
    { timeout: 4_000, interval: 10 },
  );
}

it('closes a verified body that can not be read as dead, with the reason', async () => {
  const id = await keep('{"object": nonsense');
  expect(await processorOn(database.pool).process(id)).toBe('dead');
  expect(await stateOf(id)).toMatchObject({ state: 'dead', last_error: 'json-invalid' });
  expect(await deadReasons(database.pool, [id])).toEqual(new Map([[id, 'json-invalid']]));
});

it('lets a neighbour that fails hold nobody back, counts its attempts and parks it as dead', async () => {
  await database.pool
    .query(`insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id)
    select gen_random_uuid(), 'x', 'x', gen_random_uuid(), 'x', '{}', '{}', '{}', 'done', 'x'`);
  const owner = openPool(database.ownerUrl, { name: 'test', max: 1, onError: () => undefined });
  await owner.query(`
    create function refuse_poison() returns trigger language plpgsql as $$
    begin if new.event_key = 'wamid.poison' then raise exception 'poison'; end if; return new; end $$;
    create trigger refuse_poison before insert on webhook_event for each row execute function refuse_poison()`);
  const ids = await Promise.all(['wamid.A', 'wamid.poison', 'wamid.C'].map((key) => keep(whatsappBody([key]))));
  const processor = processorOn(database.pool);
  expect(await Promise.all(ids.map((id) => processor.process(id)))).toEqual(['closed', 'failed', 'closed']);
  expect(await stateOf(ids[1]!)).toMatchObject({ state: 'open', attempts: 1 });
  const outcomes = [];
  for (let attempt = 0; attempt < 4; attempt += 1) outcomes.push(await processor.process(ids[1]!));
  expect(outcomes).toEqual(['failed', 'failed', 'failed', 'dead']);
  expect(await stateOf(ids[1]!)).toMatchObject({ state: 'dead', attempts: 5, last_error: 'poison' });
  await owner.query('drop trigger refuse_poison on webhook_event; drop function refuse_poison()');
  await owner.end();
});

it('spends no attempt while the database is away', async () => {
  const id = await keep(whatsappBody(['wamid.A']));
  const pool = openPool('postgres://x@127.0.0.1:1/x', { name: 'test', max: 1, onError: () => undefined });
  await expect(processorOn(pool).process(id)).rejects.toSatisfy((error) => isFailure(error, 'database-unavailable'));
  expect(await stateOf(id)).toMatchObject({ state: 'open', attempts: 0 });
  await pool.end();
});

it('reads bodies in parts when together they would fill the memory', async () => {
  const filler = 'x'.repeat(2_900_000);
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      keep(whatsappBody([`wamid.${n}.${filler.slice(0, 10)}`]).replace('"1"', `"${filler}"`)),
    ),
  );
  const outcomes = await Promise.all(ids.map((id) => processorOn(database.pool).process(id)));
  expect(outcomes).toEqual(ids.map(() => 'closed'));
  const processor = processorOn(database.pool);
  const more = await Promise.all(
    Array.from({ length: 8 }, (_, n) => keep(whatsappBody([`wamid.more.${n}`]).replace('"1"', `"${filler}"`))),
  );
  expect(await Promise.all(more.map((id) => processor.process(id)))).toEqual(more.map(() => 'closed'));
});
