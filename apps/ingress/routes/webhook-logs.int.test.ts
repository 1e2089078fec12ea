import type { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { record } from '#audit/record.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { openTestOrm } from '#testing/orm.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { openReceiptProcessor } from '#webhooks/process-receipts.ts';
import { ADMIN_ID, callerByHeader, startApp } from '../testing/start-app.ts';
import { webhookLogRoutes } from './webhook-logs.ts';

const PHONE = '4917012345678';
const TEXT = 'the canary sings at noon';
const MESSAGE = JSON.stringify({
  object: 'whatsapp_business_account',
  entry: [
    {
      id: '1',
      changes: [
        {
          field: 'messages',
          value: {
            contacts: [{ wa_id: PHONE, profile: { name: 'Anna Canary' } }],
            messages: [{ id: 'wamid.one', from: PHONE, timestamp: '1700000000', type: 'text', text: { body: TEXT } }],
          },
        },
      ],
    },
  ],
});

let database: TestDatabase;
let orm: MikroORM;
let app: Awaited<ReturnType<typeof startApp>>;
let isRecording = true;
const accepted = receiptDraft(MESSAGE, { headers: { 'x-hub-signature-256': 'sha256=canary-mac' } });
const refused = receiptDraft('{"phone":"' + PHONE, {
  verdict: 'refused:signature-mismatch',
  source: 'shop',
  dedupeKey: undefined,
  receivedAtMs: Date.now() - 60_000,
});

beforeAll(async () => {
  database = await openTestDatabase();
  orm = await openTestOrm(database.url);
  await insertReceipts(database.pool, [accepted, refused], Date.now());
  await insertReceipts(database.pool, [receiptDraft(MESSAGE)], Date.now());
  await openReceiptProcessor({ pool: database.pool, wants: () => true, onEvents: () => undefined }).process(
    accepted.id,
  );
  const parts = {
    em: orm.em,
    pool: database.pool,
    record: (...args: Parameters<typeof record>) =>
      isRecording ? record(...args) : Promise.reject(new Failure('database-unavailable')),
    requireCaller: callerByHeader,
    clientAddressOf: () => '203.0.113.80',
  };
  app = await startApp([webhookLogRoutes(parts)]);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await orm.close(true);
  await database[Symbol.asyncDispose]();
});

async function get(path: string, role = 'admin') {
  const response = await fetch(`${app.origin}/api/webhook-logs${path}`, { headers: { 'x-role': role } });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

const idsIn = ({ body }: { body: { items: { id: string }[] } }): string[] => body.items.map(({ id }) => id);

it.each(['user', 'agent'])('lets no %s in', async (role) => {
  for (const path of ['', `/${accepted.id}`, `/${accepted.id}/events`])
    expect((await get(path, role)).status).toBe(403);
});

it('lists the newest first, with their timings and duplicates and without bodies', async () => {
  const { status, body, text } = await get('');
  expect(status).toBe(200);
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual([accepted.id, refused.id]);
  expect(body.items[0]).toMatchObject({
    verdict: 'accepted',
    state: 'done',
    source: 'whatsapp',
    secretLabel: 'main',
    duplicates: 1,
    lastDuplicateAt: expect.stringMatching(/Z$/),
    requestId: accepted.correlationId,
    sha256: accepted.sha256?.toString('hex'),
    timings: { verify: 0.00004, batchWait: expect.any(Number) },
  });
  expect(text).not.toContain(PHONE);
  expect(body.items[0]).not.toHaveProperty('body');
});

describe('filters', () => {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const halfMinuteAgo = new Date(Date.now() - 30_000).toISOString();
  it.each([
    ['source=shop', [refused.id]],
    ['source=shop&verdict=accepted', []],
    ['verdict=accepted', [accepted.id]],
    ['verdict=refused', [refused.id]],
    ['verdict=refused:signature-mismatch', [refused.id]],
    ['verdict=refused:body-empty', []],
    ['state=done', [accepted.id, refused.id]],
    ['state=open', []],
    [`from=${halfMinuteAgo}`, [accepted.id]],
    [`to=${halfMinuteAgo}`, [refused.id]],
    [`from=${hourAgo}&to=${halfMinuteAgo}`, [refused.id]],
    ['eventKey=wamid.one', [accepted.id]],
    ['eventKey=wamid.one&source=shop', []],
    ['eventKey=wamid.two', []],
    ['textId=none', []],
  ])('%s', async (query, ids) => {
    expect(idsIn(await get(`?${query}`))).toEqual(ids);
  });

  it.each([
    'verdict=refused:',
    'state=shut',
    'from=yesterday',
    'limit=201',
    'limit=0',
    'cursor=1',
    'sort=id',
    'source[]=a',
  ])('refuses %s', async (query) => {
    expect(await get(`?${query}`)).toMatchObject({ status: 400, body: { code: 'request-malformed' } });
  });
});

it('pages by cursor, each receipt once', async () => {
  const first = await get('?limit=1');
  const second = await get(`?limit=1&cursor=${first.body.nextCursor}`);
  expect([...idsIn(first), ...idsIn(second)]).toEqual([accepted.id, refused.id]);
  expect(second.body.nextCursor).toBeUndefined();
});

it('shows a receipt with its headers, body and events, personal data masked', async () => {
  const { status, body, text } = await get(`/${accepted.id}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    headers: { 'x-hub-signature-256': '•••' },
    body: { form: 'json', value: { object: 'whatsapp_business_account' } },
    events: {
      items: [
        { eventKey: 'wamid.•••', type: 'message.received', subjects: ['phone:•••78'], state: expect.any(String) },
      ],
    },
  });
  for (const canary of [PHONE, TEXT, 'Anna', 'canary-mac']) expect(text).not.toContain(canary);
});

it('hides a refused body that is cut off, unless it is to be revealed', async () => {
  expect((await get(`/${refused.id}`)).body.body).toEqual({ form: 'hidden', reason: 'unreadable' });
  expect((await get(`/${refused.id}?reveal=true`)).body.body).toEqual({ form: 'text', text: `{"phone":"${PHONE}` });
});

it('reveals what is asked for, and records who asked', async () => {
  const { body } = await get(`/${accepted.id}?reveal=true`);
  expect(body).toMatchObject({
    headers: { 'x-hub-signature-256': 'sha256=canary-mac' },
    body: { form: 'text', text: MESSAGE },
    events: { items: [{ eventKey: 'wamid.one', subjects: [`phone:${PHONE}`], data: { text: TEXT } }] },
  });
  await get(`/${accepted.id}/events?reveal=true`);
  const { rows } = await database.pool.query(
    "select actor_id, target_id, address_prefix from security_event where type = 'receipt.revealed' and target_id = $1",
    [accepted.id],
  );
  const event = { actor_id: ADMIN_ID, target_id: accepted.id, address_prefix: '203.0.113.80/32' };
  expect(rows).toEqual([event, event]);
});

it('reveals nothing that can not be recorded', async () => {
  isRecording = false;
  try {
    const { status, text } = await get(`/${accepted.id}?reveal=true`);
    expect(status).toBe(503);
    expect(text).not.toContain(PHONE);
    expect((await get(`/${accepted.id}`)).status).toBe(200);
  } finally {
    isRecording = true;
  }
});

it.each([`/${newId()}`, '/nothing'])('knows nothing of %s', async (path) => {
  expect(await get(path)).toMatchObject({ status: 404, body: { code: 'not-found' } });
});
