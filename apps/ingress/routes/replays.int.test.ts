import { createSecretKey } from 'node:crypto';
import type { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { record } from '#audit/record.ts';
import { openLimiter } from '#limits/limiter.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { openTestOrm } from '#testing/orm.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { signedDelivery, testSource } from '#testing/webhook-requests.ts';
import { handleEvents } from '#webhooks/handle-events.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { keptHeaders } from '#webhooks/kept-request.ts';
import { openReceiptProcessor } from '#webhooks/process-receipts.ts';
import type { ReceiptDraft } from '#webhooks/receipt.ts';
import type { Reopened } from '#webhooks/reopen-receipts.ts';
import type { Source } from '#webhooks/source.ts';
import type { Sources } from '#webhooks/sources.ts';
import { ADMIN_ID, callerByHeader, startApp } from '../testing/start-app.ts';
import { replayRoutes } from './replays.ts';

const key = (text: string): Source['keys'][number] => ({ label: text, key: createSecretKey(Buffer.from(text)) });
const whatsapp = testSource('whatsapp', { path: '/api/whatsapp/webhook' });
const slack = testSource('slack');

let database: TestDatabase;
let orm: MikroORM;
let app: Awaited<ReturnType<typeof startApp>>;
const sources = new Map<string, Source>();
const rung: Reopened[] = [];
let isRecording = true;

beforeAll(async () => {
  database = await openTestDatabase();
  orm = await openTestOrm(database.url);
  const context = {
    pool: database.pool,
    sources: sources as Sources,
    record: (...args: Parameters<typeof record>) =>
      isRecording ? record(...args) : Promise.reject(new Failure('database-unavailable')),
    onReopened: (reopened: Reopened) => void rung.push(reopened),
  };
  const limiter = openLimiter();
  const allowing = { ...limiter, consume: (...args: Parameters<typeof limiter.peek>) => limiter.peek(...args) };
  app = await startApp([
    replayRoutes({
      em: orm.em,
      context,
      limiter: allowing,
      requireCaller: callerByHeader,
      clientAddressOf: () => '203.0.113.80',
    }),
  ]);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await orm.close(true);
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await database.pool.query('delete from webhook_log');
  await database.pool.query('delete from webhook_event');
  rung.length = 0;
  isRecording = true;
  sources.clear();
  for (const source of [whatsapp, slack]) sources.set(source.path, source);
});

let messages = 0;
function messageBody(): string {
  const message = { id: `wamid.${(messages += 1)}`, from: '4917012345678', type: 'text', text: { body: 'hello' } };
  return JSON.stringify({ entry: [{ id: '1', changes: [{ field: 'messages', value: { messages: [message] } }] }] });
}

function draftOf(source: Source, body: string, more: Partial<ReceiptDraft> = {}): ReceiptDraft {
  const delivery = signedDelivery(source, body);
  return receiptDraft(body, {
    source: source.name,
    provider: source.provider,
    headers: keptHeaders(source, delivery),
    receivedAtMs: delivery.nowMs,
    ...more,
  });
}

/** Receipts that were processed, with their events done. */
async function keepDone(...drafts: ReceiptDraft[]): Promise<void> {
  await insertReceipts(database.pool, drafts, Date.now());
  const processor = openReceiptProcessor({ pool: database.pool, wants: () => false, onEvents: () => undefined });
  await Promise.all(drafts.map(({ id }) => processor.process(id)));
}

async function post(path: string, body?: unknown, role = 'admin') {
  const response = await fetch(`${app.origin}/api/webhook-logs${path}`, {
    method: 'POST',
    headers: { 'x-role': role, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const eventsOf = async (receiptId: string) =>
  (
    await database.pool.query(
      'select id, state, replay, attempts, last_error, next_check_at <= now() as is_due from webhook_event where receipt_id = $1',
      [receiptId],
    )
  ).rows;

async function recorded(): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `select actor_id, target_id, count, address_prefix, details from security_event
     where type = 'receipt.replayed' order by recorded_at, id`,
  );
  return rows;
}

describe('one receipt', () => {
  it('opens its events with a new number, records who did it and rings', async () => {
    const draft = draftOf(whatsapp, messageBody());
    await keepDone(draft);
    const before = (await recorded()).length;
    expect(await post(`/${draft.id}/replay`)).toMatchObject({ status: 204 });
    const events = await eventsOf(draft.id);
    expect(events).toMatchObject([{ state: 'open', replay: 1, attempts: 0, is_due: true }]);
    expect(rung).toEqual([{ receiptIds: [], eventIds: [events[0].id], count: 1 }]);
    expect((await recorded()).slice(before)).toEqual([
      { actor_id: ADMIN_ID, target_id: draft.id, count: 1, address_prefix: '203.0.113.80/32', details: { events: 1 } },
    ]);
  });

  it('has every handler do its work once more, and only once more', async () => {
    const applied: number[] = [];
    const handler = {
      name: 'counting',
      wants: () => true,
      apply: (_client: unknown, { replay }: { replay: number }) => {
        applied.push(replay);
        return Promise.resolve();
      },
    };
    const draft = draftOf(whatsapp, messageBody());
    await insertReceipts(database.pool, [draft], Date.now());
    const processor = openReceiptProcessor({ pool: database.pool, wants: () => true, onEvents: () => undefined });
    await processor.process(draft.id);
    const [{ id }] = await eventsOf(draft.id);
    const handle = () => handleEvents(database.pool, [handler], [id], new AbortController().signal);
    await handle();
    await handle();
    expect(await post(`/${draft.id}/replay`)).toMatchObject({ status: 204 });
    await handle();
    await handle();
    expect(applied).toEqual([0, 1]);
    expect(await eventsOf(draft.id)).toMatchObject([{ state: 'done', replay: 1 }]);
  });

  it('opens a dead one itself', async () => {
    const draft = draftOf(whatsapp, messageBody());
    await insertReceipts(database.pool, [draft], Date.now());
    await database.pool.query(
      "update webhook_log set state = 'dead', attempts = 5, last_error = 'x', next_check_at = null",
    );
    expect(await post(`/${draft.id}/replay`)).toMatchObject({ status: 204 });
    const { rows } = await database.pool.query(
      'select state, attempts, last_error, next_check_at <= now() as is_due from webhook_log',
    );
    expect(rows).toEqual([{ state: 'open', attempts: 0, last_error: null, is_due: true }]);
    expect(rung).toEqual([{ receiptIds: [draft.id], eventIds: [], count: 1 }]);
  });

  it('verifies at the time of receipt: how old it is does not matter', async () => {
    const draft = draftOf(slack, JSON.stringify({ type: 'event_callback', event_id: 'Ev1', event: { type: 'x' } }));
    await keepDone(draft);
    expect(await post(`/${draft.id}/replay`)).toMatchObject({ status: 204 });
  });

  it('works with any secret that the source has now', async () => {
    const draft = draftOf(whatsapp, messageBody());
    await keepDone(draft);
    sources.set(whatsapp.path, { ...whatsapp, keys: [key('a-new-secret-that-is-first'), ...whatsapp.keys] });
    expect(await post(`/${draft.id}/replay`)).toMatchObject({ status: 204 });
  });

  const obstacles: [string, (draft: ReceiptDraft) => Promise<unknown> | void][] = [
    ['unaccepted', () => database.pool.query("update webhook_log set verdict = 'refused:signature-mismatch'")],
    ['unaccepted', () => database.pool.query("update webhook_log set verdict = 'ping'")],
    ['open', () => database.pool.query("update webhook_log set state = 'open'")],
    ['erased', () => database.pool.query('update webhook_log set body = null')],
    ['source-unset', () => sources.clear()],
    ['source-unset', () => void sources.set(whatsapp.path, { ...whatsapp, provider: 'github' })],
    ['unverified', () => void sources.set(whatsapp.path, { ...whatsapp, keys: [key('another-secret-altogether')] })],
    ['unverified', () => database.pool.query("update webhook_log set body = body || ' '")],
    ['unverified', () => database.pool.query("update webhook_log set headers = '{}'")],
    ['eventless', () => database.pool.query('delete from webhook_event')],
    ['eventless', () => database.pool.query("update webhook_event set state = 'open'")],
  ];
  it.each(obstacles)('is refused where it is %s (%#), and nothing is opened or recorded', async (obstacle, arrange) => {
    const draft = draftOf(whatsapp, messageBody());
    await keepDone(draft);
    await arrange(draft);
    const before = (await recorded()).length;
    expect(await post(`/${draft.id}/replay`)).toMatchObject({
      status: 422,
      body: { code: 'receipt-unreplayable', obstacle },
    });
    for (const { replay } of await eventsOf(draft.id)) expect(replay).toBe(0);
    expect(await recorded()).toHaveLength(before);
    expect(rung).toEqual([]);
  });

  it('is not opened if that can not be recorded', async () => {
    const draft = draftOf(whatsapp, messageBody());
    await keepDone(draft);
    isRecording = false;
    expect((await post(`/${draft.id}/replay`)).status).toBe(503);
    expect(await eventsOf(draft.id)).toMatchObject([{ state: 'done', replay: 0 }]);
  });

  it('is opened once by replays at the same time', async () => {
    const draft = draftOf(whatsapp, messageBody());
    await keepDone(draft);
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(`/${draft.id}/replay`)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(await eventsOf(draft.id)).toMatchObject([{ state: 'open', replay: 1 }]);
  });

  it('is unknown, or not for everybody', async () => {
    expect((await post(`/${newId()}/replay`)).status).toBe(404);
    expect((await post(`/${newId()}/replay`, undefined, 'agent')).status).toBe(403);
  });
});

describe('all that a filter matches', () => {
  it('is only counted unless asked otherwise', async () => {
    await keepDone(draftOf(whatsapp, messageBody()), draftOf(whatsapp, messageBody()));
    const counted = { status: 200, body: { count: 2, dryRun: true, obstacles: {} } };
    expect(await post('/replay', { filter: {} })).toMatchObject(counted);
    expect(await post('/replay', { filter: { source: 'whatsapp' }, dryRun: true })).toMatchObject(counted);
    expect(await post('/replay', { filter: { source: 'slack' } })).toMatchObject({ body: { count: 0 } });
    expect((await database.pool.query('select 1 from webhook_event where replay > 0')).rowCount).toBe(0);
  });

  it('is opened at a pace, recorded with its count, and what is in the way is told', async () => {
    const drafts = Array.from({ length: 120 }, () => draftOf(whatsapp, messageBody()));
    await keepDone(...drafts);
    await database.pool.query('update webhook_log set body = null where id = $1', [drafts[0]?.id]);
    const before = (await recorded()).length;
    expect(await post('/replay', { filter: {}, dryRun: false })).toMatchObject({
      status: 200,
      body: { count: 119, obstacles: { erased: 1 } },
    });
    const { rows } = await database.pool.query(
      `select count(*) as n, extract(epoch from max(next_check_at) - min(next_check_at))::float8 as seconds
       from webhook_event where state = 'open' and replay = 1`,
    );
    expect(rows[0].n).toBe(119);
    expect(rows[0].seconds).toBeGreaterThan(2);
    expect(rows[0].seconds).toBeLessThan(4);
    const acts = (await recorded()).slice(before) as { count: number; actor_id: string }[];
    expect(acts.reduce((sum, { count }) => sum + count, 0)).toBe(119);
    expect(new Set(acts.map((act) => act.actor_id))).toEqual(new Set([ADMIN_ID]));
  });

  it('is refused where it is more than a thousand', async () => {
    await insertReceipts(
      database.pool,
      Array.from({ length: 1_001 }, () => draftOf(whatsapp, messageBody())),
      Date.now(),
    );
    await database.pool.query("update webhook_log set state = 'done', next_check_at = null");
    expect(await post('/replay', { filter: {} })).toMatchObject({ status: 422, body: { code: 'filter-wide' } });
  });

  it.each([{}, { filter: { nobody: 1 } }, { filter: { state: { $ne: 'x' } } }, { filter: {}, dryRun: 'no' }])(
    'has a shape: %j',
    async (body) => {
      expect(await post('/replay', body)).toMatchObject({ status: 422, body: { code: 'body-invalid' } });
    },
  );
});
