import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { record, type SecurityEvent } from '#audit/record.ts';
import { sealAll, sealNextBatch } from '#audit/seal-events.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { inTransaction } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runAs } from '#testing/database-template.ts';

const never = new AbortController().signal;
const login = (n: number): SecurityEvent => ({
  id: newId(),
  type: 'login.failed',
  actorKind: 'anonymous',
  targetKind: 'user',
  targetId: `user-${n}`,
  addressPrefix: '203.0.113.7/32',
  details: { n, reason: 'wrong', ümlaut: null, ok: true, share: 0.5 },
});

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database[Symbol.asyncDispose]());

const seal = (maxBatch = 4) => sealAll(database.pool, never, { maxBatch });
const verify = (anchor?: { number: number; hash: string }) => verifyChain(database.pool, { anchor });
/** As one who can do anything to the database. */
const tamper = (sql: string) => runAs(database.superuserUrl, `set session_replication_role = replica; ${sql}`);
const recordEach = async (count: number): Promise<SecurityEvent[]> => {
  const events = Array.from({ length: count }, (_, n) => login(n));
  for (const event of events) await record(database.pool, [event]);
  return events;
};

it('verifies an empty trail', async () => {
  expect(await seal()).toEqual([]);
  expect(await verify()).toMatchObject({ intact: true, seals: 0, events: 0 });
});

it('seals events in the order of their transactions, in batches that follow one another', async () => {
  await recordEach(10);
  const seals = await seal();
  expect(seals.map(({ number, firstPosition, eventCount }) => [number, firstPosition, eventCount])).toEqual([
    [1, 1, 4],
    [2, 5, 4],
    [3, 9, 2],
  ]);
  expect(seals[1]?.previousHash).toEqual(seals[0]?.hash);
  expect(await verify()).toMatchObject({ intact: true, seals: 3, events: 10, pruned: 0, head: { number: 3 } });
});

it('leaves out what is not committed, and seals nothing that such a transaction could still come before', async () => {
  let late: SecurityEvent[] = [];
  await inTransaction(database.pool, async (client) => {
    await record(client, [login(0)]);
    late = await recordEach(3);
    expect(await seal()).toEqual([]);
  });
  const [made] = await seal();
  expect(made?.eventCount).toBe(4);
  expect(late).toHaveLength(3);
  expect(await verify()).toMatchObject({ intact: true, events: 4 });
});

it('skips what was rolled back', async () => {
  await inTransaction(database.pool, async (client) => {
    await record(client, [login(0)]);
    throw new Error('no');
  }).catch(() => undefined);
  await recordEach(1);
  await seal();
  expect(await verify()).toMatchObject({ intact: true, events: 1 });
});

it('seals every event once while many write and several seal', async () => {
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    for (let n = 0; n < 60; n += 1) {
      await inTransaction(database.pool, async (client) => {
        await record(client, [login(n), login(n)]);
        if ((n + writer) % 7 === 0) throw new Error('rolled back');
      }).catch(() => undefined);
    }
  });
  const written = new AbortController();
  const sealers = Array.from({ length: 3 }, async () => {
    while (!written.signal.aborted) {
      await sealNextBatch(database.pool, { maxBatch: 16 });
      await new Promise(setImmediate);
    }
  });
  await Promise.all(writers);
  written.abort();
  await Promise.all(sealers);
  await sealAll(database.pool, never);
  const { rows } = await database.pool.query<{ events: number; sealed: number }>(
    'select (select count(*) from security_event) as events, (select sum(event_count)::int from audit_seal) as sealed',
  );
  expect(rows[0]?.events).toBeGreaterThan(500);
  expect(rows[0]?.sealed).toBe(rows[0]?.events);
  expect(await verify()).toMatchObject({ intact: true, events: rows[0]?.events });
});

it('keeps the chain whole when a sealer is cut off in the middle', async () => {
  await recordEach(6);
  await seal();
  await recordEach(3);
  const cutOff = inTransaction(database.pool, async (client) => {
    await client.query('select pg_advisory_xact_lock(4000244)');
    await client.query(
      `insert into audit_seal select number + 1, first_position + event_count, 1, era, last_transaction, leaves, root, hash,
        hash, now() from audit_seal order by number desc limit 1`,
    );
    expect(await sealNextBatch(database.pool)).toBeUndefined();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await runAs(database.superuserUrl, `select pg_terminate_backend(${rows[0]?.pid})`);
    await client.query('select 1');
  });
  await expect(cutOff).rejects.toThrow(/terminat|connection/i);
  await seal();
  expect(await verify()).toMatchObject({ intact: true, seals: 3, events: 9 });
});

describe('what somebody did to the rows is found at its first place', () => {
  let ids: string[];
  let head: { number: number; hash: string } | undefined;
  beforeEach(async () => {
    ids = (await recordEach(12)).map(({ id }) => id ?? '');
    await seal();
    ({ head } = await verify());
  });

  it.each([
    ['a detail', `details = jsonb_set(details, '{n}', '99')`],
    ['the type', `type = 'login.succeeded'`],
    ['the severity', `severity = 'info'`],
    ['the time', `occurred_at = occurred_at + interval '1 microsecond'`],
    ['the time of recording', `recorded_at = recorded_at - interval '1 hour'`],
    ['the actor', `actor_id = id`],
    ['the kind of actor', `actor_kind = 'system'`],
    ['the target', `target_id = 'user-x'`],
    ['the kind of target', `target_kind = null`],
    ['the address', `address_prefix = null`],
    ['the correlation id', `correlation_id = 'x'`],
    ['the source', `source = 'x'`],
    ['the count', `count = 2`],
  ])('%s of an event changed', async (_, change) => {
    await tamper(`update security_event set ${change} where id = '${ids[5]}'`);
    expect((await verify()).fault).toEqual({ kind: 'event-altered', seal: 2, position: 6, id: ids[5] });
  });

  it('an event removed', async () => {
    await tamper(`delete from security_event where id in ('${ids[6]}', '${ids[9]}')`);
    expect((await verify()).fault).toEqual({ kind: 'event-missing', seal: 2, position: 7, id: ids[6] });
  });

  it('an event added between others', async () => {
    const id = newId();
    await tamper(`
      insert into security_event select '${id}', type, severity, occurred_at, recorded_at, actor_id, actor_kind, target_kind,
        target_id, address_prefix, correlation_id, source, count, details, era, transaction_id
      from security_event where id = '${ids[4]}'`);
    expect((await verify()).fault).toEqual({ kind: 'event-inserted', seal: 2, id });
  });

  it('an event added by the role of the application with a date of the past or of the future', async () => {
    const add = (transaction: string) =>
      database.pool.query(
        `insert into security_event (id, type, severity, occurred_at, actor_kind, details, transaction_id)
         select $1, type, severity, occurred_at, actor_kind, details, ${transaction} from security_event where id = $2`,
        [newId(), ids[4]],
      );
    await add(`(pg_current_xact_id()::text::bigint + 1000000)::text::xid8`);
    await seal();
    expect((await verify()).fault).toMatchObject({ kind: 'event-inserted', seal: 4 });
    await add('transaction_id');
    expect((await verify()).fault).toMatchObject({ kind: 'event-inserted', seal: 2 });
  });

  it('two events exchanged', async () => {
    await tamper(`
      with two as (select transaction_id, id from security_event where id in ('${ids[1]}', '${ids[2]}'))
      update security_event e set transaction_id = two.transaction_id from two
      where e.id in ('${ids[1]}', '${ids[2]}') and two.id <> e.id`);
    expect((await verify()).fault).toEqual({ kind: 'event-reordered', seal: 1, position: 2, id: ids[1] });
  });

  it('an event moved to the end', async () => {
    await tamper(`update security_event set transaction_id = pg_current_xact_id() where id = '${ids[1]}'`);
    expect((await verify()).fault).toEqual({ kind: 'event-reordered', seal: 1, position: 2, id: ids[1] });
  });

  it.each([
    ['its leaves', `leaves = overlay(leaves placing '\\x00'::bytea from 20)`],
    ['its root', `root = sha256('x')`],
    ['its time', `sealed_at = sealed_at + interval '1 second'`],
    ['its link', `previous_hash = sha256('x')`],
    ['its hash', `hash = sha256('x')`],
    ['its count', `event_count = 3`],
    ['its position', `first_position = 100`],
  ])('a seal changed: %s', async (_, change) => {
    await tamper(`update audit_seal set ${change} where number = 2`);
    expect((await verify()).fault).toEqual({ kind: 'seal-altered', seal: 2 });
  });

  it('a seal removed', async () => {
    await tamper('delete from audit_seal where number = 2');
    expect((await verify()).fault).toEqual({ kind: 'seal-missing', seal: 2 });
  });

  it('an event changed and its seal made anew, which breaks the next one', async () => {
    await tamper(`
      update security_event set count = 7 where id = '${ids[0]}';
      delete from audit_seal where number = 1`);
    await tamper(`update audit_seal set number = 101 where number > 1`).catch(() => undefined);
    expect((await verify()).intact).toBe(false);
  });

  it('a tail cut off with its seal, given the newest seal', async () => {
    await tamper(`delete from audit_seal where number = 3;
      delete from security_event where id in (${ids
        .slice(8)
        .map((id) => `'${id}'`)
        .join()})`);
    expect(await verify()).toMatchObject({ intact: true });
    expect((await verify(head)).fault).toEqual({ kind: 'tail-cut-off', seal: 3 });
  });

  it('a whole chain made anew, given a seal of the old one', async () => {
    await tamper('delete from audit_seal; update security_event set count = 3');
    await seal();
    expect(await verify()).toMatchObject({ intact: true });
    expect((await verify(head)).fault).toEqual({ kind: 'chain-replaced', seal: 3 });
  });

  it('and nothing is found where nothing was done', async () => {
    await recordEach(5);
    await seal();
    expect(await verify(head)).toMatchObject({ intact: true, events: 17 });
  });
});

describe('the rights of the application', () => {
  it.each([
    ['update security_event set count = 2', 'permission denied'],
    ['delete from security_event', 'permission denied'],
    ['truncate security_event', 'permission denied'],
    ['select from security_event_rest', 'permission denied'],
    ['update audit_seal set event_count = 1', 'permission denied'],
    ['delete from audit_seal', 'permission denied'],
    ['update audit_policy set keep_months = 0', 'permission denied'],
    ['insert into audit_policy (name) values (1)', 'permission denied'],
  ])('%s', async (sql, refusal) => {
    await expect(database.pool.query(sql)).rejects.toThrow(refusal);
  });

  it.each(['update security_event set count = 2', 'delete from security_event', 'truncate security_event'])(
    'and not even the owner gets past the trigger: %s',
    async (sql) => {
      await recordEach(1);
      await expect(runAs(database.ownerUrl, sql)).rejects.toThrow('append-only');
    },
  );

  it('guards each partition too', async () => {
    await recordEach(1);
    const { rows } = await database.pool.query<{ name: string }>(
      'select distinct tableoid::regclass::text as name from security_event',
    );
    const name = rows[0]?.name ?? '';
    expect(name).toMatch(/^security_event_\d{6}$/);
    for (const act of [`delete from ${name}`, `truncate ${name}`]) {
      await expect(runAs(database.ownerUrl, act)).rejects.toThrow('append-only');
    }
  });
});
