import type { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addContext } from '#audit/event-context.ts';
import { followInside } from '#audit/follow.ts';
import { record, type SecurityEvent } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { verifyRegularly } from '#audit/verification.ts';
import { newId } from '#runtime/id.ts';
import { correlate } from '#runtime/correlation.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { openTestOrm } from '#testing/orm.ts';
import { callerByHeader, startApp } from '../testing/start-app.ts';
import { securityEventRoutes } from './security-events.ts';

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;
const nowMs = Date.now();
const userId = newId();
const sessionId = newId();

const events: SecurityEvent[] = [
  { type: 'login.failed', actorKind: 'anonymous', targetKind: 'user', targetId: 'u', addressPrefix: '203.0.113.7/32' },
  { type: 'login.failed', actorKind: 'anonymous', targetKind: 'user', targetId: 'u', count: 41 },
  {
    type: 'receipt.refused',
    actorKind: 'anonymous',
    source: 'shop',
    count: 9,
    details: { reason: 'signature-mismatch' },
  },
  { type: 'login.succeeded', actorKind: 'user', actorId: userId, targetKind: 'session', targetId: sessionId },
].map((event, n) => ({
  ...event,
  id: newId(),
  occurredAt: new Date(nowMs - (4 - n) * HOUR_MS),
})) as SecurityEvent[];
const [oldest, , , latest] = events.map(({ id }) => id);

let database: TestDatabase;
let orm: MikroORM;
let app: Awaited<ReturnType<typeof startApp>>;
beforeAll(async () => {
  database = await openTestDatabase();
  orm = await openTestOrm(database.url);
  await correlate('request-1', () => record(database.pool, events));
  await sealAll(database.pool, never);
  const labels = () => Promise.resolve(new Map([[sessionId, 'Firefox on Linux']]));
  await followInside(database.pool, 'context', 100, (client, sealed) => addContext(client, sealed, labels));
  app = await startApp([securityEventRoutes({ em: orm.em, pool: database.pool, requireCaller: callerByHeader })]);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await orm.close(true);
  await database[Symbol.asyncDispose]();
});

async function get(path: string, role = 'admin') {
  const response = await fetch(`${app.origin}/api/security-events${path}`, { headers: { 'x-role': role } });
  return { status: response.status, body: JSON.parse(await response.text()) };
}
const idsIn = ({ body }: { body: { items: { id: string }[] } }): string[] => body.items.map(({ id }) => id);

it.each(['user', 'agent'])('lets no %s in', async (role) => {
  for (const path of ['', '/summary', '/chain']) expect((await get(path, role)).status).toBe(403);
});

it.each(['', '/summary', '/chain'])('answers to GET and HEAD only: %s', async (path) => {
  const response = await fetch(`${app.origin}/api/security-events${path}`, {
    method: 'DELETE',
    headers: { 'x-role': 'admin' },
  });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

it('lists the newest first, with all that is known of them', async () => {
  const { status, body } = await get('');
  expect(status).toBe(200);
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual(events.map(({ id }) => id).toReversed());
  expect(body.items[0]).toEqual({
    id: latest,
    type: 'login.succeeded',
    severity: 'info',
    occurredAt: new Date(nowMs - HOUR_MS).toISOString(),
    recordedAt: expect.stringMatching(/Z$/),
    actorId: userId,
    actorKind: 'user',
    targetKind: 'session',
    targetId: sessionId,
    addressPrefix: null,
    network: null,
    device: 'Firefox on Linux',
    requestId: 'request-1',
    source: null,
    count: 1,
    details: {},
  });
  expect(body.items[3]).toMatchObject({ network: '203.0.113.0/24', device: null });
});

describe('filters', () => {
  const [first, second, third, fourth] = events.map(({ id }) => id);
  const twoAndAHalfHoursAgo = new Date(nowMs - 2.5 * HOUR_MS).toISOString();
  it.each([
    ['type=login.failed', [second, first]],
    ['severity=warning', [third]],
    ['source=shop', [third]],
    [`actorId=${userId}`, [fourth]],
    ['actorKind=anonymous', [third, second, first]],
    ['targetKind=session', [fourth]],
    ['targetId=u&type=login.failed', [second, first]],
    ['addressPrefix=203.0.113.7/32', [first]],
    ['requestId=request-1&limit=2', [fourth, third]],
    ['requestId=request-2', []],
    [`from=${twoAndAHalfHoursAgo}`, [fourth, third]],
    [`to=${twoAndAHalfHoursAgo}`, [second, first]],
  ])('%s', async (query, ids) => {
    expect(idsIn(await get(`?${query}`))).toEqual(ids);
  });

  it.each([
    'type=nothing',
    'severity=grave',
    'actorId=1',
    'from=yesterday',
    'limit=201',
    'cursor=1',
    'sort=id',
    'type[]=login.failed',
    'type=login.failed&type=login.failed',
    "addressPrefix=' or 1=1",
  ])('refuses %s', async (query) => {
    expect(await get(`?${query}`)).toMatchObject({ status: 400, body: { code: 'request-malformed' } });
  });
});

it('pages by cursor, each event once, also those of one microsecond', async () => {
  const occurredAt = new Date(nowMs);
  const twins = Array.from({ length: 5 }, () => newId());
  await record(
    database.pool,
    twins.map((id) => ({ id, type: 'csp.reported', actorKind: 'anonymous', occurredAt })),
  );
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await get(`?type=csp.reported&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    seen.push(...idsIn(page));
    cursor = page.body.nextCursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(twins.toSorted().toReversed());
});

describe('the summary', () => {
  it('counts by hour and type what happened in the last day', async () => {
    const { body } = await get('/summary');
    const counts = body.items.map(({ type, count }: { type: string; count: number }) => [type, count]);
    expect(counts).toContainEqual(['receipt.refused', 9]);
    expect(body.items[0].hour).toMatch(/T\d\d:00:00\.000Z$/);
    const failed = body.items.filter(({ type }: { type: string }) => type === 'login.failed');
    expect(failed.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(42);
  });

  it.each([
    'from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z',
    'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
    'limit=1',
  ])('refuses %s', async (query) => {
    expect((await get(`/summary?${query}`)).status).toBe(400);
  });
});

describe('the chain', () => {
  it('shows how far it reaches, what is not sealed yet, and what the last walk has found', async () => {
    await verifyRegularly(database.pool, never);
    const { body } = await get('/chain');
    expect(body).toMatchObject({
      sealed: 4,
      unsealed: 5,
      head: { number: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      verifications: [{ name: 'whole', throughSeal: 1, events: 4, fault: null }],
      cursors: [{ name: 'context', position: 4, failures: 0 }],
      items: [{ number: 1, firstPosition: 1, count: 4, hash: body.head.hash, previousHash: '0'.repeat(64) }],
    });
    expect(body).not.toHaveProperty('nextCursor');
  });

  it('pages through the seals', async () => {
    await sealAll(database.pool, never, { maxBatch: 2 });
    const first = await get('/chain?limit=2');
    const second = await get(`/chain?limit=2&cursor=${first.body.nextCursor}`);
    const numbers = [first, second].flatMap(({ body }) => body.items.map(({ number }: { number: number }) => number));
    expect(numbers).toEqual([4, 3, 2, 1]);
  });
});

it('never writes', async () => {
  const before = await database.pool.query('select count(*) from security_event');
  for (const path of ['', '/summary', '/chain', `?cursor=${oldest}`]) await get(path);
  expect((await database.pool.query('select count(*) from security_event')).rows).toEqual(before.rows);
});
