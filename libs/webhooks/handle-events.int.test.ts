import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPool, type PoolClient } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { effort, limitFor } from '#testing/effort.ts';
import { claimEvents } from '#webhooks/claim-events.ts';
import { handleEvents } from '#webhooks/handle-events.ts';
import type { ApplyingHandler, CallingHandler, StoredEvent } from '#webhooks/handler.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.pool.query('delete from webhook_effect');
  await database.pool.query('delete from webhook_event');
});

const never = new AbortController().signal;

async function keepEvents(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId());
  await database.pool.query(
    `insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id, next_check_at)
     select id, 'shop', id::text, gen_random_uuid(), 'order.created', '{}', '{"a":1}', '{"b":2}', 'open', 'request-1', now()
     from unnest($1::uuid[]) as given (id)`,
    [ids],
  );
  return ids;
}

const stateOf = async (id: string) => {
  const { rows } = await database.pool.query(
    `select state, attempts, last_error, leased_until,
       extract(epoch from next_check_at - now())::float8 as wait from webhook_event where id = $1`,
    [id],
  );
  return rows[0];
};

function caller(work: (event: StoredEvent) => Promise<void> = () => Promise.resolve(), name = 'caller') {
  const calls: string[] = [];
  const handler: CallingHandler = {
    name,
    wants: (type) => type === 'order.created',
    call: (event) => {
      calls.push(event.id);
      return work(event);
    },
  };
  return { handler, calls };
}

it('hands an event to its handler and closes it', async () => {
  const [id = ''] = await keepEvents(1);
  const seen: StoredEvent[] = [];
  const { handler } = caller((event) => {
    seen.push(event);
    return Promise.resolve();
  });
  expect(await handleEvents(database.pool, [handler], [id], never)).toEqual({ handled: 1, dead: [] });
  expect(seen[0]).toMatchObject({
    id,
    source: 'shop',
    type: 'order.created',
    data: { a: 1 },
    raw: { b: 2 },
    replay: 0,
  });
  expect(await stateOf(id)).toMatchObject({ state: 'done', leased_until: null });
  expect(await handleEvents(database.pool, [handler], [id], never)).toEqual({ handled: 0, dead: [] });
});

it('does not call again the handler that succeeded when another one failed', async () => {
  const [id = ''] = await keepEvents(1);
  const good = caller(undefined, 'good');
  let fails = true;
  const bad = caller(() => (fails ? Promise.reject(new Error('not yet')) : Promise.resolve()), 'bad');
  const handlers = [good.handler, bad.handler];
  await handleEvents(database.pool, handlers, [id], never);
  expect(await stateOf(id)).toMatchObject({
    state: 'open',
    attempts: 1,
    last_error: 'bad: not yet',
    leased_until: null,
  });
  fails = false;
  await handleEvents(database.pool, handlers, [id], never);
  expect(await stateOf(id)).toMatchObject({ state: 'done' });
  expect([good.calls.length, bad.calls.length]).toEqual([1, 2]);
});

it('lets one bad event hold back no other', async () => {
  const ids = await keepEvents(40);
  const { handler } = caller((event) => (event.id === ids[7] ? Promise.reject(new Error('bad')) : Promise.resolve()));
  await handleEvents(database.pool, [handler], ids, never);
  const { rows } = await database.pool.query<{ id: string }>("select id from webhook_event where state = 'open'");
  expect(rows).toEqual([{ id: ids[7] }]);
});

it('writes down a failure whose words PostgreSQL can not hold, and how its neighbours ended', async () => {
  const [bad = '', good = ''] = await keepEvents(2);
  const { handler } = caller((event) =>
    event.id === bad ? Promise.reject(new Error('"\0\uD83D" is no JSON')) : Promise.resolve(),
  );
  await handleEvents(database.pool, [handler], [bad, good], never);
  expect(await stateOf(bad)).toMatchObject({ attempts: 1, last_error: 'caller: "\uFFFD\uFFFD" is no JSON' });
  expect(await stateOf(good)).toMatchObject({ state: 'done' });
});

describe('when the job is aborted', () => {
  const forEver = new Promise<never>(() => undefined);
  /** Aborts once the handler has so many events in hand. */
  function abortingAt(count: number): { signal: AbortSignal; begun: () => void } {
    const aborting = new AbortController();
    let inHand = 0;
    return {
      signal: aborting.signal,
      begun() {
        inHand += 1;
        if (inHand === count) aborting.abort();
      },
    };
  }

  it.each([
    ['counts what a handler never ends as failed', 0, 'its handler did not end in time', 1],
    ['counts no try of a handler that has only begun', 60_000, null, 0],
  ])('%s, and opens the rest for others at once', async (_, handlerLimitMs, reason, attempts) => {
    const ids = await keepEvents(40);
    const { signal, begun } = abortingAt(16);
    const quick = caller(undefined, 'quick');
    const { handler, calls } = caller((event) => {
      begun();
      return event.id === calls[0] ? Promise.resolve() : forEver;
    });
    await handleEvents(database.pool, [quick.handler, handler], ids, signal, { handlerLimitMs });
    const rows = await rowsByState();
    expect([calls.length, quick.calls.length]).toEqual([16, 16]);
    expect(rows).toEqual([
      { state: 'done', attempts: 0, last_error: null, due: null, effects: 2, n: 1 },
      { state: 'open', attempts: 0, last_error: null, due: true, effects: 0, n: 24 },
      { state: 'open', attempts, last_error: reason, due: attempts === 0, effects: 1, n: 15 },
    ]);
  });

  async function rowsByState(): Promise<object[]> {
    const { rows } = await database.pool.query<object>(
      `select state, attempts, last_error, next_check_at <= now() as due, effects, count(*) as n
       from webhook_event, lateral (select count(*) as effects from webhook_effect where event_id = id) as effect
       where leased_until is null group by 1, 2, 3, 4, 5 order by 1, 2, 5`,
    );
    return rows;
  }

  it('takes the connection from a handler that never ends, with all that it did', async () => {
    const [id = ''] = await keepEvents(1);
    const pool = openPool(database.url, { name: 'test', max: 1, onError: () => undefined });
    const { signal, begun } = abortingAt(1);
    let held: PoolClient | undefined;
    const handler: ApplyingHandler = {
      name: 'stuck',
      wants: () => true,
      async apply(client) {
        held = client;
        await client.query("update webhook_event set correlation_id = 'changed' where id = $1", [id]);
        begun();
        await forEver;
      },
    };
    await handleEvents(pool, [handler], [id], signal, { handlerLimitMs: 0 });
    await expect(held?.query('select 1')).rejects.toThrow('not queryable');
    const { rows } = await pool.query('select correlation_id, attempts from webhook_event where id = $1', [id]);
    expect(rows).toEqual([{ correlation_id: 'request-1', attempts: 1 }]);
    await pool.end();
  });
});

describe('after a failure', () => {
  it.each<[string, Error, object]>([
    ['spends an attempt on an error', new Error('bug'), { state: 'open', attempts: 1 }],
    ['spends an attempt on a refusal', new Failure('forward-refused'), { state: 'open', attempts: 1 }],
    ['spends none while the other side is away', new Failure('forward-unavailable'), { state: 'open', attempts: 0 }],
    ['ends an event that no retry can help', new Failure('forward-gone'), { state: 'dead', attempts: 0 }],
  ])('%s', async (_title, error, expected) => {
    const [id = ''] = await keepEvents(1);
    const { dead } = await handleEvents(database.pool, [caller(() => Promise.reject(error)).handler], [id], never);
    expect(await stateOf(id)).toMatchObject(expected);
    expect(dead).toEqual('state' in expected && expected.state === 'dead' ? [id] : []);
  });

  it('waits as long as the other side asks', async () => {
    const [id = ''] = await keepEvents(1);
    const busy = new Failure('forward-unavailable', { retryAfterSeconds: 600 });
    await handleEvents(database.pool, [caller(() => Promise.reject(busy)).handler], [id], never);
    expect((await stateOf(id)).wait).toBeCloseTo(600, -1);
  });

  it('waits longer each time and rests as dead after the tenth attempt', async () => {
    const [id = ''] = await keepEvents(1);
    const { handler } = caller(() => Promise.reject(new Error('bad')));
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      await handleEvents(database.pool, [handler], [id], never);
      waits.push((await stateOf(id)).wait);
    }
    expect(await stateOf(id)).toMatchObject({ state: 'dead', attempts: 10, last_error: 'caller: bad' });
    for (const [n, wait] of waits.slice(0, 8).entries()) expect(wait / 4 ** n).toBeGreaterThan(3.5);
    for (const [n, wait] of waits.slice(0, 8).entries()) expect(wait / 4 ** n).toBeLessThan(6.5);
  });
});

it('does the work inside the database exactly once when four workers race', { timeout: limitFor(30_000) }, async () => {
  const owner = database.pool;
  const handler: ApplyingHandler = {
    name: 'count',
    wants: () => true,
    async apply(client, event) {
      await client.query('update webhook_event set correlation_id = correlation_id || $2 where id = $1', [
        event.id,
        '+',
      ]);
    },
  };
  const rounds = effort(25, 125);
  for (let round = 0; round < rounds; round += 1) {
    const ids = await keepEvents(4);
    await owner.query("update webhook_event set correlation_id = 'x' where id = any($1)", [ids]);
    await Promise.all([0, 1, 2, 3].map(() => handleEvents(database.pool, [handler], ids, never)));
    const { rows } = await owner.query<{ correlation_id: string; state: string }>(
      'select correlation_id, state from webhook_event where id = any($1)',
      [ids],
    );
    expect(rows).toEqual(Array.from({ length: 4 }, () => ({ correlation_id: 'x+', state: 'done' })));
  }
});

it('rolls work inside the database back together with its mark', async () => {
  const [id = ''] = await keepEvents(1);
  let fails = true;
  const handler: ApplyingHandler = {
    name: 'half',
    wants: () => true,
    async apply(client, event) {
      await client.query("update webhook_event set correlation_id = correlation_id || '+' where id = $1", [event.id]);
      if (fails) throw new Error('half-way');
    },
  };
  await handleEvents(database.pool, [handler], [id], never);
  fails = false;
  await handleEvents(database.pool, [handler], [id], never);
  const { rows } = await database.pool.query('select correlation_id from webhook_event where id = $1', [id]);
  expect(rows).toEqual([{ correlation_id: 'request-1+' }]);
});

it('leaves an event alone that another worker has in hand, until its lease runs out', async () => {
  const [id = ''] = await keepEvents(1);
  const slow = caller(() => sleep(200));
  const quick = caller();
  const first = handleEvents(database.pool, [slow.handler], [id], never);
  await sleep(50);
  expect(await handleEvents(database.pool, [quick.handler], [id], never)).toMatchObject({ handled: 0 });
  await first;
  const [lost = ''] = await keepEvents(1);
  await database.pool.query("update webhook_event set leased_until = now() - interval '1 second' where id = $1", [
    lost,
  ]);
  expect(await handleEvents(database.pool, [quick.handler], [lost], never)).toMatchObject({ handled: 1 });
});

describe('an event that is lost with its worker', () => {
  /** As a worker leaves it that was killed while it had the event in hand, the given time after that. */
  const loseNow = (id: string) =>
    database.pool.query("update webhook_event set leased_until = now() - interval '1 second' where id = $1", [id]);

  it('spends an attempt each time and rests as dead after the tenth, unhandled', async () => {
    const [id = ''] = await keepEvents(1);
    await claimEvents(database.pool, [id]);
    for (let loss = 1; loss <= 9; loss += 1) {
      await loseNow(id);
      const { events, dead } = await claimEvents(database.pool, [id]);
      expect([events.length, dead.length]).toEqual([1, 0]);
      expect(await stateOf(id)).toMatchObject({ state: 'open', attempts: loss });
    }
    await loseNow(id);
    const { handler, calls } = caller();
    expect(await handleEvents(database.pool, [handler], [id], never)).toEqual({ handled: 0, dead: [id] });
    expect(calls).toEqual([]);
    expect(await stateOf(id)).toMatchObject({ state: 'dead', last_error: 'its worker ended while it was handled' });
  });

  it('is handled alone after the second loss, so that it takes no other with it', async () => {
    const ids = (await keepEvents(5)).toSorted();
    await claimEvents(database.pool, ids);
    for (let loss = 1; loss <= 2; loss += 1) {
      for (const id of ids) await loseNow(id);
      expect((await claimEvents(database.pool, ids)).events).toHaveLength(5);
    }
    for (const id of ids) await loseNow(id);
    const [fresh = ''] = await keepEvents(1);
    const first = await claimEvents(database.pool, [...ids, fresh]);
    expect(first.events.map((event) => event.id)).toEqual([fresh]);
    expect(first.more).toBe(true);
    const second = await claimEvents(database.pool, ids);
    expect(second.events.map((event) => event.id)).toEqual([ids[0]]);
    expect(second.more).toBe(true);
    let inHand = 0;
    const { handler, calls } = caller(async () => {
      inHand += 1;
      expect(inHand).toBe(1);
      await sleep(5);
      inHand -= 1;
    });
    expect(await handleEvents(database.pool, [handler], ids, never)).toEqual({ handled: 4, dead: [] });
    expect(calls).toEqual(ids.slice(1));
  });

  it('is left to a later job when this one was aborted', async () => {
    const ids = (await keepEvents(2)).toSorted();
    await database.pool.query("update webhook_event set attempts = 3, leased_until = now() - interval '1 second'");
    const aborting = new AbortController();
    const { handler, calls } = caller(async () => aborting.abort());
    await handleEvents(database.pool, [handler], ids, aborting.signal);
    expect(calls).toEqual([ids[0]]);
    expect(await stateOf(ids[1] ?? '')).toMatchObject({ state: 'open', attempts: 3 });
  });

  it('is tried once in a job, however it ends', async () => {
    const ids = (await keepEvents(2)).toSorted();
    await database.pool.query("update webhook_event set attempts = 3, leased_until = now() - interval '1 second'");
    const { handler, calls } = caller(() => Promise.reject(new Error('not yet')));
    expect(await handleEvents(database.pool, [handler], ids, never)).toEqual({ handled: 2, dead: [] });
    expect(calls).toEqual(ids);
    expect(await stateOf(ids[0] ?? '')).toMatchObject({ state: 'open', attempts: 5, leased_until: null });
  });
});

it('takes large events in parts, so that they do not fill the memory', async () => {
  const ids = (await keepEvents(6)).toSorted();
  // Random text is stored as large as it is.
  const raw = JSON.stringify(randomBytes(1_200_000).toString('base64'));
  await database.pool.query('update webhook_event set raw = $1', [raw]);
  const { events, more } = await claimEvents(database.pool, ids);
  expect(events.map((event) => event.id).toSorted()).toEqual(ids.slice(0, 2));
  expect(more).toBe(true);
  const { handler, calls } = caller();
  expect(await handleEvents(database.pool, [handler], ids, never)).toEqual({ handled: 4, dead: [] });
  expect(calls.toSorted()).toEqual(ids.slice(2));
});

it('keeps an event in its hands for as long as its handler takes, and no longer than seconds after its end', async () => {
  const [id = ''] = await keepEvents(1);
  const slow = caller(() => sleep(2_600));
  const quick = caller();
  const first = handleEvents(database.pool, [slow.handler], [id], never);
  await sleep(100);
  const leaseOf = async (): Promise<number> => {
    const { rows } = await database.pool.query<{ left: number }>(
      'select extract(epoch from leased_until - now())::float8 as left from webhook_event where id = $1',
      [id],
    );
    return rows[0]?.left ?? 0;
  };
  expect(await leaseOf()).toBeLessThan(7);
  await database.pool.query("update webhook_event set leased_until = now() + interval '2.2 seconds' where id = $1", [
    id,
  ]);
  await sleep(2_300);
  expect(await leaseOf()).toBeGreaterThan(3);
  expect(await handleEvents(database.pool, [quick.handler], [id], never)).toMatchObject({ handled: 0 });
  await first;
  expect(await stateOf(id)).toMatchObject({ state: 'done' });
});

it('writes nothing about an event that was replayed meanwhile', async () => {
  const [id = ''] = await keepEvents(1);
  const { handler } = caller(async () => {
    await database.pool.query('update webhook_event set replay = replay + 1, leased_until = null where id = $1', [id]);
  });
  await handleEvents(database.pool, [handler], [id], never);
  expect(await stateOf(id)).toMatchObject({ state: 'open' });
  const again = caller();
  await handleEvents(database.pool, [again.handler], [id], never);
  expect(again.calls).toEqual([id]);
  expect(await stateOf(id)).toMatchObject({ state: 'done' });
});

it('fails as a whole when the database is away', async () => {
  const gone = { query: () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })) };
  await expect(handleEvents(gone as never, [], [randomBytes(4).toString('hex')], never)).rejects.toMatchObject({
    code: 'database-unavailable',
  });
});
