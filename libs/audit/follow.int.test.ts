import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { cursorStates, followInside, followOutside } from '#audit/follow.ts';
import { forwardEvents } from '#audit/forward-events.ts';
import { leafHash } from '#audit/merkle.ts';
import { readSealed, type ExportedEvent, type SealedEvent } from '#audit/read-sealed.ts';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { isSealDue, trailState } from '#audit/trail-state.ts';
import { openOutbound } from '#runtime/outbound.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

const never = new AbortController().signal;

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database[Symbol.asyncDispose]());

async function sealSome(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous', source: `s${n}`, details: { n } }]);
  }
  await sealAll(database.pool, never, { maxBatch: 3 });
}
const positions = (events: readonly SealedEvent[]): number[] => events.map(({ position }) => position);

/** What docs/audit.md says a hash is made of, by somebody who has the exported line alone. */
function hashAsDocumented(event: ExportedEvent): string {
  const micros = (time: string): number => Date.parse(`${time.slice(0, 23)}Z`) * 1_000 + Number(time.slice(23, 26));
  const sorted = Object.entries(event.details).toSorted(
    ([a], [b]) => a.length - b.length || Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const details = `{${sorted.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(', ')}}`;
  const fields = [
    1,
    event.id,
    event.type,
    event.severity,
    micros(event.occurredAt),
    micros(event.recordedAt),
    event.actorId,
    event.actorKind,
    event.targetKind,
    event.targetId,
    event.addressPrefix,
    event.requestId,
    event.source,
    event.count,
  ];
  return leafHash(`[${fields.map((field) => JSON.stringify(field)).join(', ')}, ${details}]`).toString('hex');
}

it('knows whether there is something to seal, and what is not sealed', async () => {
  expect(await isSealDue(database.pool)).toBe(false);
  await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
  expect(await isSealDue(database.pool)).toBe(true);
  expect(await trailState(database.pool)).toMatchObject({ sealed: 0, unsealed: 1, head: undefined });
  await sealAll(database.pool, never);
  expect(await isSealDue(database.pool)).toBe(false);
  expect(await trailState(database.pool)).toMatchObject({
    sealed: 1,
    unsealed: 0,
    oldestUnsealedSeconds: 0,
    head: { number: 1 },
  });
});

it('reads sealed events in the order of the chain, with hashes that their lines alone can prove', async () => {
  await sealSome(8);
  await record(database.pool, [
    {
      type: 'upload.infected',
      actorKind: 'system',
      actorId: '01980b2f-7a3c-7d10-9c1e-6f2b8a4d5e01',
      targetKind: 'upload',
      targetId: '"quoted" ☃',
      details: { zz: null, a: 'ä\n"', bb: true, längst: 1.25, b: 'x' },
    },
  ]);
  await sealAll(database.pool, never);
  const all: SealedEvent[] = [];
  for (;;) {
    const page = await readSealed(database.pool, all.length, 2);
    if (page.length === 0) break;
    all.push(...page);
  }
  expect(positions(all)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(all.map(({ event }) => event?.source)).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', null]);
  for (const { event, hash } of all) expect(hashAsDocumented(event as ExportedEvent)).toBe(hash);
});

describe('following inside a transaction', () => {
  it('hands over every event once, also when the work fails and when several follow', async () => {
    await sealSome(20);
    await database.pool.query('select 1');
    const seen: number[] = [];
    let failures = 0;
    const work = async (_: unknown, events: readonly SealedEvent[]): Promise<void> => {
      failures += 1;
      if (failures % 2 === 1) throw new Error('not now');
      seen.push(...positions(events));
    };
    while (seen.length < 20) {
      await Promise.allSettled([1, 2, 3].map(() => followInside(database.pool, 'test', 7, work)));
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });
});

describe('following outside', () => {
  it('moves only after the work is done, and pauses after a failure', async () => {
    await sealSome(3);
    await expect(followOutside(database.pool, 'test', 2, () => Promise.reject(new Error('away')))).rejects.toThrow(
      'away',
    );
    expect(await cursorStates(database.pool)).toMatchObject([{ position: 0, failures: 1, lastError: 'away' }]);
    expect(await followOutside(database.pool, 'test', 2, () => Promise.resolve())).toBe(0);
    await database.pool.query('update audit_cursor set next_try_at = now()');
    const seen: number[] = [];
    const work = (events: readonly SealedEvent[]): Promise<void> => {
      seen.push(...positions(events));
      return Promise.resolve();
    };
    while ((await followOutside(database.pool, 'test', 2, work)) > 0);
    expect(seen).toEqual([1, 2, 3]);
    expect(await cursorStates(database.pool)).toMatchObject([{ position: 3, failures: 0, lastError: null }]);
  });

  it('lets nobody else at the events meanwhile', async () => {
    await sealSome(2);
    const count = await followOutside(database.pool, 'test', 2, async () => {
      expect(await followOutside(database.pool, 'test', 2, () => Promise.reject(new Error('twice')))).toBe(0);
    });
    expect(count).toBe(2);
  });
});

describe('forwarding', () => {
  async function openReceiver(statuses: number[]) {
    const requests: { headers: NodeJS.Dict<string | string[]>; body: string }[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        requests.push({ headers: request.headers, body });
        response.writeHead(statuses.shift() ?? 204).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
  }

  it('posts each event in order and signed, again after a refusal, and only what is wanted', async () => {
    await sealSome(4);
    await record(database.pool, [{ type: 'alert.raised', actorKind: 'system' }]);
    await sealAll(database.pool, never);
    const { requests, url } = await openReceiver([500]);
    const outbound = openOutbound({ allowPrivate: true });
    onTestFinished(() => outbound.close());
    const sign = ({ id, body }: { id: string; body: Buffer }): Record<string, string> => ({
      'webhook-id': id,
      'webhook-signature': createHmac('sha256', 'key').update(body).digest('base64'),
    });
    const all = { name: 'forward', url, sign, outbound };
    await expect(forwardEvents(database.pool, all, never)).rejects.toMatchObject({ code: 'forward-refused' });
    await database.pool.query('update audit_cursor set next_try_at = now()');
    while ((await forwardEvents(database.pool, all, never)) > 0);
    const alerts = { ...all, name: 'alerts', wants: (type: string) => type.startsWith('alert.') };
    while ((await forwardEvents(database.pool, alerts, never)) > 0);

    const bodies = requests.map(({ body }) => JSON.parse(body) as { type: string; data: { events: SealedEvent[] } });
    const got = bodies.map(({ data }) => positions(data.events));
    expect(got[0]).toEqual(got[1]);
    expect(got.slice(1, -1).flat()).toEqual([1, 2, 3, 4, 5]);
    expect(got.at(-1)).toEqual([5]);
    expect(requests[0]?.headers['webhook-id']).toBe(requests[1]?.headers['webhook-id']);
    for (const { headers, body } of requests) {
      expect(headers['webhook-signature']).toBe(createHmac('sha256', 'key').update(body).digest('base64'));
    }
  });
});
