import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCoalescer, type Coalescer, type CountedEvent } from '#audit/coalesce.ts';
import type { SecurityEvent } from '#audit/record.ts';

const MINUTE = 60_000;
const refused = (more: Partial<CountedEvent> = {}): CountedEvent => ({
  type: 'receipt.refused',
  actorKind: 'anonymous',
  source: 'shop',
  addressPrefix: '203.0.113.9/32',
  details: { reason: 'signature-mismatch' },
  ...more,
});

let nowMs = 0;
let written: SecurityEvent[] = [];
let failures = 0;
let coalescer: Coalescer;
beforeEach(() => {
  nowMs = 1_700_000_000_000 - (1_700_000_000_000 % MINUTE);
  written = [];
  failures = 0;
  coalescer = openCoalescer({
    client: { query: () => undefined } as never,
    record: (_client, events) => {
      if (failures-- > 0) return Promise.reject(new Error('away'));
      written.push(...events);
      return Promise.resolve();
    },
    onError: () => undefined,
    maxKeys: 10,
    now: () => nowMs,
  });
});
afterEach(() => coalescer.close());

const total = (): number => written.reduce((sum, { count }) => sum + (count ?? 0), 0);

it('writes one row for equal events of a minute, with their count and the times of the first and the last', async () => {
  for (let n = 0; n < 100; n += 1) {
    nowMs += 100;
    coalescer.add(refused());
  }
  await coalescer.flush();
  expect(written).toEqual([]);
  nowMs += MINUTE;
  await coalescer.flush();
  expect(written).toEqual([
    {
      ...refused(),
      id: expect.any(String),
      count: 100,
      occurredAt: new Date(1_699_999_980_100),
      details: { reason: 'signature-mismatch', lastAt: '2023-11-14T22:13:10.000Z' },
    },
  ]);
});

it('tells apart sources, reasons, networks and minutes', async () => {
  coalescer.add(refused());
  coalescer.add(refused({ source: 'other' }));
  coalescer.add(refused({ details: { reason: 'body-invalid' } }));
  coalescer.add(refused({ addressPrefix: '203.0.113.10/32' }));
  nowMs += MINUTE;
  coalescer.add(refused());
  await coalescer.close();
  expect(written).toHaveLength(5);
  expect(total()).toBe(5);
});

describe('past its bound', () => {
  it('tells networks apart no more, and loses no count', async () => {
    for (let n = 0; n < 1_000; n += 1) coalescer.add(refused({ addressPrefix: `10.0.${n >> 8}.${n & 255}/32` }));
    expect(coalescer.pending).toBe(11);
    await coalescer.close();
    expect(total()).toBe(1_000);
    expect(written.filter(({ addressPrefix }) => addressPrefix === undefined)).toMatchObject([{ count: 990 }]);
  });

  it('stays bounded through an outage of any length, and loses no count', async () => {
    failures = Number.POSITIVE_INFINITY;
    let pending = 0;
    for (let n = 0; n < 5_000; n += 1) {
      coalescer.add(refused({ addressPrefix: `10.0.${n & 255}.0/32`, source: `s${n % 7}` }));
      if (n % 10 === 0) {
        nowMs += MINUTE;
        await coalescer.flush().catch(() => undefined);
      }
      pending = Math.max(pending, coalescer.pending);
    }
    expect(pending).toBeLessThanOrEqual(2 * (2 * 10 + 1));
    failures = 0;
    await coalescer.flush();
    await coalescer.close();
    expect(total()).toBe(5_000);
  });
});

it('writes again under the same id what may not have been written', async () => {
  const ids: (string | undefined)[] = [];
  const lossy = openCoalescer({
    client: { query: () => undefined } as never,
    record: (_client, events) => {
      ids.push(...events.map(({ id }) => id));
      return ids.length < 3 ? Promise.reject(new Error('the answer was lost')) : Promise.resolve();
    },
    onError: () => undefined,
    now: () => nowMs,
  });
  lossy.add(refused());
  nowMs += MINUTE;
  await lossy.flush().catch(() => undefined);
  await lossy.flush().catch(() => undefined);
  await lossy.close();
  expect(ids).toHaveLength(3);
  expect(new Set(ids).size).toBe(1);
});
