import { afterEach, beforeEach, expect, it } from 'vitest';
import { activeAlerts, raiseAlerts, settleAlerts } from '#audit/alert.ts';
import type { Alarm, AlertRule } from '#audit/alert-rules.ts';
import { record } from '#audit/record.ts';
import { inTransaction } from '#database/pool.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

const STANDING: AlertRule[] = ['receipts-late', 'scanner-away'];

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database[Symbol.asyncDispose]());

const settle = (alarms: Alarm[], judged = STANDING) =>
  inTransaction(database.pool, (client) => settleAlerts(client, record, { standing: STANDING, judged, alarms }));
const raise = (alarms: Alarm[]) => inTransaction(database.pool, (client) => raiseAlerts(client, record, alarms));
const active = async () => (await activeAlerts(database.pool)).map(({ rule, subject }) => `${rule} ${subject}`);
const told = async () => {
  const { rows } = await database.pool.query<{ text: string }>(
    `select type || ' ' || target_id || ' ' || (details->>'subject') as text from security_event order by recorded_at, id`,
  );
  return rows.map(({ text }) => text);
};

it('raises an alert once for as long as its reason holds, and clears it once', async () => {
  const alarm: Alarm = { rule: 'receipts-late', subject: 'receipts', details: { open: 3 } };
  expect((await settle([alarm])).raised).toEqual([alarm]);
  expect((await settle([alarm, alarm])).raised).toEqual([]);
  expect(await active()).toEqual(['receipts-late receipts']);
  expect((await settle([])).cleared).toEqual([{ rule: 'receipts-late', subject: 'receipts' }]);
  expect((await settle([])).cleared).toEqual([]);
  expect((await settle([alarm])).raised).toEqual([alarm]);
  expect(await told()).toEqual([
    'alert.raised receipts-late receipts',
    'alert.cleared receipts-late receipts',
    'alert.raised receipts-late receipts',
  ]);
});

it('clears nothing that could not be looked at', async () => {
  await settle([{ rule: 'scanner-away', subject: 'scanner' }]);
  expect((await settle([], ['receipts-late'])).cleared).toEqual([]);
  expect(await active()).toEqual(['scanner-away scanner']);
});

it('keeps what acts have shown until it was not repeated for an hour, the gravest first', async () => {
  await raise([
    { rule: 'login-locked', subject: 'a' },
    { rule: 'refresh-reused', subject: 'b' },
  ]);
  expect((await raise([{ rule: 'login-locked', subject: 'a' }])).raised).toEqual([]);
  await settle([]);
  expect(await active()).toEqual(['refresh-reused b', 'login-locked a']);
  await database.pool.query("update audit_alert set seen_at = now() - interval '61 minutes' where subject = 'a'");
  expect((await settle([])).cleared).toEqual([{ rule: 'login-locked', subject: 'a' }]);
});

it('raises it once however many judge at a time', async () => {
  const alarm: Alarm = { rule: 'login-locked', subject: 'x' };
  await Promise.all(Array.from({ length: 8 }, () => raise([alarm])));
  expect(await told()).toEqual(['alert.raised login-locked x']);
});

it('forgets the event with the alert where the transaction fails', async () => {
  await inTransaction(database.pool, async (client) => {
    await raiseAlerts(client, record, [{ rule: 'login-locked', subject: 'x' }]);
    throw new Error('no');
  }).catch(() => undefined);
  expect([await active(), await told()]).toEqual([[], []]);
});
