import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LocalCounters } from '#limits/local-counters.ts';

it('begins a window with its first point and ends it by its own clock', () => {
  let nowMs = 0;
  const counters = new LocalCounters({ now: () => nowMs });
  counters.add('a', 'key', 2, 10);
  nowMs = 9_999;
  expect(counters.add('a', 'key', 1, 10)).toEqual({ used: 3, remainingMs: 1 });
  nowMs = 10_000;
  expect(counters.get('a', 'key')).toBeUndefined();
  expect(counters.add('a', 'key', 1, 10)).toEqual({ used: 1, remainingMs: 10_000 });
});

it('takes points back, into this window only and never below zero', () => {
  let nowMs = 0;
  const counters = new LocalCounters({ now: () => nowMs });
  counters.add('a', 'key', 1, 10);
  counters.remove('a', 'key', 5);
  expect(counters.get('a', 'key')?.used).toBe(0);
  nowMs = 20_000;
  counters.remove('a', 'key', 1);
  expect(counters.get('a', 'key')).toBeUndefined();
});

it('keeps no more keys than it may, and never lets a heavy user be pushed out by light ones', () => {
  const counters = new LocalCounters({ maxKeys: 100 });
  for (let n = 0; n < 5; n += 1) counters.add('a', `heavy-${n}`, 50, 60);
  for (let n = 0; n < 10_000; n += 1) counters.add('a', `light-${n}`, 1, 60);
  expect(counters.size).toBe(100);
  for (let n = 0; n < 5; n += 1) expect(counters.get('a', `heavy-${n}`)?.used).toBe(50);
});

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

it('takes no memory for the keys of a flood', () => {
  const counters = new LocalCounters();
  const flood = (from: number): void => {
    for (let n = from; n < from + 200_000; n += 1) counters.add('a', `2001:db8:${n.toString(16)}::/56`, 1, 60);
  };
  const before = heapUsed();
  flood(0);
  expect(heapUsed() - before).toBeLessThan(8 * 1024 * 1024);
  expect(counters.size).toBe(10_000);
});

it('counts like a plain list of points, whatever happens in whatever order', () => {
  const act = fc.record({
    key: fc.constantFrom('a', 'b'),
    points: fc.integer({ min: 1, max: 5 }),
    waitMs: fc.nat(900),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      let nowMs = 0;
      const counters = new LocalCounters({ now: () => nowMs });
      const model = new Map<string, { used: number; endsAtMs: number }>();
      for (const { key, points, waitMs } of acts) {
        nowMs += waitMs;
        const before = model.get(key);
        const isLive = before !== undefined && before.endsAtMs > nowMs;
        model.set(key, isLive ? { ...before, used: before.used + points } : { used: points, endsAtMs: nowMs + 1_000 });
        expect(counters.add('x', key, points, 1).used).toBe(model.get(key)?.used);
      }
    }),
  );
});
