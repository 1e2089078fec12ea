import { afterEach, beforeEach, expect, it } from 'vitest';
import { applyAuditPolicy } from '#audit/audit-policy.ts';
import { keepMonths } from '#audit/drop-months.ts';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { openPool } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runAs } from '#testing/database-template.ts';

const never = new AbortController().signal;
const DAY_MS = 86_400_000;

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database[Symbol.asyncDispose]());

const recordAt = async (daysAgo: number): Promise<string> => {
  const atMs = Date.now() - daysAgo * DAY_MS;
  const id = newId(atMs);
  const occurredAt = new Date(atMs);
  await record(database.pool, [{ id, type: 'login.failed', actorKind: 'anonymous', occurredAt }]);
  return id;
};
const seal = () => sealAll(database.pool, never, { maxBatch: 3 });
const setPolicy = async (months: number): Promise<void> => {
  const owner = openPool(database.ownerUrl, { name: 'owner', max: 1, onError: () => undefined });
  await applyAuditPolicy(owner, months);
  await owner.end();
};
const placeOf = async (id: string): Promise<string> => {
  const { rows } = await database.pool.query<{ place: string }>(
    'select tableoid::regclass::text as place from security_event where id = $1',
    [id],
  );
  return rows[0]?.place ?? 'nowhere';
};
const monthOf = (daysAgo: number): string =>
  `security_event_${new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 7).replace('-', '')}`;

it('takes events that no month is open for, and moves them into their month when it is opened', async () => {
  const id = await recordAt(200);
  expect(await placeOf(id)).toBe('security_event_rest');
  expect(await placeOf(await recordAt(0))).toBe(monthOf(0));
  await seal();
  await keepMonths(database.pool, [], never);
  expect(await placeOf(id)).toBe(monthOf(200));
  await expect(runAs(database.ownerUrl, `delete from ${monthOf(200)}`)).rejects.toThrow('append-only');
  await expect(runAs(database.ownerUrl, `truncate ${monthOf(200)}`)).rejects.toThrow('append-only');
  await expect(runAs(database.ownerUrl, 'delete from security_event_rest')).resolves.toBeUndefined();
  await recordAt(300);
  await expect(runAs(database.ownerUrl, 'delete from security_event_rest')).rejects.toThrow('append-only');
  expect(await verifyChain(database.pool)).toMatchObject({ intact: true, events: 2 });
});

it('keeps every month until the owner says for how long', async () => {
  await recordAt(900);
  await seal();
  expect(await keepMonths(database.pool, [], never)).toBe(0);
  await setPolicy(24);
  expect(await keepMonths(database.pool, [], never)).toBe(1);
});

it('drops only months that are sealed, and the chain still verifies', async () => {
  await setPolicy(2);
  for (const daysAgo of [400, 399, 300, 10, 0]) await recordAt(daysAgo);
  expect(await keepMonths(database.pool, [], never)).toBe(0);
  await seal();
  const head = (await verifyChain(database.pool)).head;
  expect(await keepMonths(database.pool, [], never)).toBe(2);
  expect(await placeOf(await recordAt(0))).toBe(monthOf(0));
  await seal();
  expect(await verifyChain(database.pool, { anchor: head })).toMatchObject({ intact: true, events: 5, pruned: 3 });
  const { rows } = await database.pool.query(
    "select actor_kind, details->>'events' as events from security_event where type = 'audit.pruned' order by id",
  );
  expect(rows.map(({ events }) => Number(events)).toSorted((a, b) => a - b)).toEqual([1, 2]);
});

it('does not take the word of the retention for a month of which some rows are there', async () => {
  await setPolicy(2);
  const ids = [await recordAt(400), await recordAt(400)];
  await seal();
  await keepMonths(database.pool, [], never);
  await recordAt(400);
  expect((await verifyChain(database.pool)).fault).toMatchObject({ kind: 'event-missing', id: ids[0] });
});

it('still finds an event that is missing from a month that is kept', async () => {
  await setPolicy(2);
  await recordAt(400);
  const id = await recordAt(0);
  await recordAt(0);
  await seal();
  await keepMonths(database.pool, [], never);
  await runAs(
    database.superuserUrl,
    `set session_replication_role = replica; delete from security_event where id = '${id}'`,
  );
  expect((await verifyChain(database.pool)).fault).toMatchObject({ kind: 'event-missing', id });
});

it('drops nothing that a receiver has not got yet', async () => {
  await setPolicy(2);
  await recordAt(400);
  await seal();
  await database.pool.query("insert into audit_cursor (name, position) values ('forward', 0)");
  await runAs(
    database.superuserUrl,
    "set session_replication_role = replica; update audit_seal set sealed_at = now() - interval '40 days'",
  );
  expect(await keepMonths(database.pool, ['forward'], never)).toBe(0);
  await database.pool.query('update audit_cursor set position = 1');
  expect(await keepMonths(database.pool, ['forward'], never)).toBe(1);
});

it('begins a new era where transaction ids have begun anew, and orders the eras', async () => {
  for (let n = 0; n < 4; n += 1) await recordAt(0);
  await seal();
  await recordAt(0);
  // As in a dump that another cluster made, whose transactions were far ahead.
  await runAs(
    database.superuserUrl,
    `set session_replication_role = replica;
     update security_event set transaction_id = (transaction_id::text::bigint + 1000000)::text::xid8;
     update audit_seal set last_transaction = (last_transaction::text::bigint + 1000000)::text::xid8`,
  );
  await expect(seal()).rejects.toThrow('run the migration');
  await setPolicy(0);
  await recordAt(0);
  await seal();
  expect(await verifyChain(database.pool)).toMatchObject({ intact: true, events: 6 });
  const { rows } = await database.pool.query('select era, count(*) from security_event group by era order by era');
  expect(rows).toEqual([
    { era: 1, count: 5 },
    { era: 2, count: 1 },
  ]);
  await setPolicy(0);
  expect((await database.pool.query('select era from audit_policy')).rows).toEqual([{ era: 2 }]);
});
