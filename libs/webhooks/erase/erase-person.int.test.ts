import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { record } from '#audit/record.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { erasePerson } from '#webhooks/erase/erase-person.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { openReceiptProcessor } from '#webhooks/process-receipts.ts';
import type { ReceiptDraft } from '#webhooks/receipt.ts';

const PHONE = '4917012345678';
const NEW_PHONE = '4915199887766';
const USER = 'DE.13491208655302741918';
const OTHER = '393330001112';
const canaries = [PHONE, NEW_PHONE, USER, 'Anna Canary', 'a secret wish', 'anna.canary@example.com'];

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const table of ['webhook_log', 'webhook_event', 'message_status']) {
    await database.pool.query(`delete from ${table}`);
  }
});

let wamids = 0;
const wamid = (): string => `wamid.${(wamids += 1)}`;

function whatsapp(...updates: { messages?: object[]; statuses?: object[]; contacts?: object[] }[]): string {
  const changes = updates.map((value) => ({ field: 'messages', value: { metadata: {}, ...value } }));
  return JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes }] });
}

const message = (from: string | undefined, more: object = {}): object => ({
  id: wamid(),
  ...(from === undefined ? {} : { from }),
  timestamp: '1700000000',
  type: 'text',
  text: { body: from === OTHER ? 'hello' : 'a secret wish' },
  ...more,
});

async function keep(body: string, more: Partial<ReceiptDraft> = {}): Promise<string> {
  const draft = receiptDraft(body, more);
  await insertReceipts(database.pool, [draft], Date.now());
  return draft.id;
}

async function process(): Promise<void> {
  const { rows } = await database.pool.query<{ id: string }>("select id from webhook_log where state = 'open'");
  const processor = openReceiptProcessor({ pool: database.pool, wants: () => false, onEvents: () => undefined });
  for (const { id } of rows) await processor.process(id);
}

/** All text that is stored of webhooks, in one. */
async function everything(): Promise<string> {
  const { rows } = await database.pool.query<{ text: string }>(`
    select string_agg(text, ' ') as text from (
      select row_to_json(l)::text || coalesce(encode(body, 'escape'), '') as text from webhook_log as l
      union all select row_to_json(e)::text from webhook_event as e
      union all select row_to_json(s)::text from message_status as s
      union all select row_to_json(a)::text from security_event as a) as rows`);
  return rows[0]?.text ?? '';
}

const erase = (subject: string, more: { dryRun?: boolean; source?: string } = {}) =>
  erasePerson({ pool: database.pool, record }, { subject, dryRun: false, ...more });

describe('a person on WhatsApp', () => {
  beforeEach(async () => {
    const contacts = [{ wa_id: PHONE, user_id: USER, profile: { name: 'Anna Canary' } }];
    const first = message(PHONE, { from_user_id: USER });
    await keep(whatsapp({ contacts, messages: [first, message(OTHER)] }));
    // The same update again, in another batch: it has no event of its own.
    await keep(whatsapp({ contacts, messages: [first] }));
    const system = { type: 'user_changed_number', wa_id: NEW_PHONE, user_id: USER };
    await keep(whatsapp({ messages: [message(PHONE, { type: 'system', system, text: undefined })] }));
    await keep(whatsapp({ messages: [message(NEW_PHONE)] }));
    const sent = { id: 'wamid.sent', status: 'sent', timestamp: '1700000000', recipient_id: NEW_PHONE };
    await keep(whatsapp({ statuses: [sent, { ...sent, id: 'wamid.other', recipient_id: OTHER }] }));
    await keep(whatsapp({ messages: [message(undefined, { from_user_id: USER })] }));
    await keep(whatsapp({ messages: [message(OTHER)] }));
    await keep(`{"wa_id":"${PHONE}","cut off`, { verdict: 'refused:signature-mismatch', dedupeKey: undefined });
    await process();
  });

  it.each([`phone:${PHONE}`, `phone:${NEW_PHONE}`, `user:${USER}`])(
    'is erased under every number and id, by %s; others stay, and so does every row',
    async (subject) => {
      const before = await everything();
      for (const canary of canaries.slice(0, 5)) expect(before).toContain(canary);
      const erasure = await erase(subject);
      expect(erasure).toEqual({
        subjects: expect.arrayContaining([`phone:${PHONE}`, `phone:${NEW_PHONE}`, `user:${USER}`]),
        events: 5,
        receipts: 7,
        messageStatuses: 1,
        openReceipts: 0,
      });
      const after = await everything();
      for (const canary of [...canaries, 'wamid.sent']) expect(after).not.toContain(canary);
      expect(after).toContain(`phone:${OTHER}`);
      expect(after).toContain('wamid.other');
      const { rows } = await database.pool.query(
        `select (select count(*) from webhook_log) as receipts, (select count(*) from webhook_event) as events,
           (select count(*) from message_status) as statuses,
           (select count(*) from webhook_log where body is not null) as bodies`,
      );
      expect(rows).toEqual([{ receipts: 8, events: 8, statuses: 2, bodies: 1 }]);
    },
  );

  it('is only counted in a dry run', async () => {
    const before = await everything();
    expect(await erase(`phone:${PHONE}`, { dryRun: true })).toMatchObject({
      events: 5,
      receipts: 7,
      messageStatuses: 1,
    });
    expect(await everything()).toBe(before);
  });

  it('is recorded by a hash and counts, and not by name', async () => {
    await erase(`phone:${PHONE}`);
    const { rows } = await database.pool.query<{ details: Record<string, unknown> }>(
      "select details from security_event where type = 'receipt.erased' order by recorded_at desc limit 2",
    );
    const sum = (name: string): number => rows.reduce((all, { details }) => all + Number(details[name]), 0);
    expect([sum('events'), sum('receipts'), sum('messageStatuses')]).toEqual([5, 7, 1]);
    expect(rows[0]?.details['subjectSha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is erased neither twice nor in part if that can not be recorded', async () => {
    const before = await everything();
    const away = erasePerson(
      { pool: database.pool, record: () => Promise.reject(new Error('away')) },
      { subject: `phone:${PHONE}`, dryRun: false },
    );
    await expect(away).rejects.toThrow('away');
    expect(await everything()).toBe(before);
    await erase(`phone:${PHONE}`);
    expect(await erase(`phone:${PHONE}`)).toMatchObject({ events: 0, receipts: 0 });
  });
});

it('leaves receipts for later that are still to be processed, because they are about others too', async () => {
  await keep(whatsapp({ messages: [message(PHONE), message(OTHER)] }));
  expect(await erase(`phone:${PHONE}`)).toMatchObject({ events: 0, receipts: 0, openReceipts: 1 });
  await process();
  expect(await erase(`phone:${PHONE}`)).toMatchObject({ events: 1, receipts: 1, openReceipts: 0 });
});

it('erases the events of what is processed while the bodies are read', async () => {
  await keep(whatsapp({ messages: [message(PHONE)] }));
  const pool = {
    connect: () => database.pool.connect(),
    async query(query: { name?: string }, values?: unknown[]) {
      if (query.name === 'receipts-bodies') await process();
      return database.pool.query(query as never, values as never);
    },
  };
  const context = { pool: pool as never, record };
  const erasure = await erasePerson(context, { subject: `phone:${PHONE}`, dryRun: false });
  expect(erasure).toMatchObject({ events: 1, receipts: 1, openReceipts: 0 });
  expect(await everything()).not.toContain('a secret wish');
});

it('finds an address in a shop order, however it is spelled, and a customer of one shop only', async () => {
  const order = (id: number): string =>
    JSON.stringify({ id, status: 'processing', customer_id: 12, billing: { email: 'Anna.Canary@Example.com' } });
  const headers = { 'x-wc-webhook-topic': 'order.created' };
  await keep(order(1), { source: 'shop', provider: 'woocommerce', headers });
  await keep(order(2), { source: 'other', provider: 'woocommerce', headers });
  await process();
  expect(await erase('customer:12', { source: 'shop' })).toMatchObject({ events: 1, receipts: 1 });
  expect(await erase('email:anna.canary@example.com')).toMatchObject({ events: 1, receipts: 1 });
  expect((await everything()).toLowerCase()).not.toContain('anna.canary');
});

it('refuses a number that is linked to more people than one', async () => {
  const messages = Array.from({ length: 40 }, (_, n) => message(PHONE, { from_user_id: `US.${n}` }));
  await keep(whatsapp({ messages }));
  await process();
  await expect(erase(`phone:${PHONE}`)).rejects.toMatchObject({ code: 'subject-entangled' });
});
