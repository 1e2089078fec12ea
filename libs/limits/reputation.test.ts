import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BEST_REPUTATION, LEAST_REPUTATION, openReputations } from '#limits/reputation.ts';

const MINUTE_MS = 60_000;

it('falls with every violation, counting several at once as one', () => {
  let nowMs = 0;
  const reputations = openReputations({ now: () => nowMs });
  for (let n = 0; n < 50; n += 1) reputations.violated('user', 'a');
  expect(reputations.of('user', 'a')).toBeCloseTo(0.8);
  nowMs += 10_000;
  reputations.violated('user', 'a');
  expect(reputations.of('user', 'a')).toBeLessThan(0.66);
  expect(reputations.of('user', 'b')).toBe(1);
});

it('is forgotten with time', () => {
  let nowMs = 0;
  const reputations = openReputations({ now: () => nowMs });
  reputations.violated('user', 'a');
  nowMs = 10 * MINUTE_MS;
  expect(reputations.of('user', 'a')).toBeCloseTo(0.9);
  nowMs = 24 * 60 * MINUTE_MS;
  expect(reputations.of('user', 'a')).toBeCloseTo(1);
});

it('rises a little for those who keep to their limits for long', () => {
  let nowMs = 0;
  const reputations = openReputations({ now: () => nowMs });
  reputations.behaved('user', 'a');
  expect(reputations.of('user', 'a')).toBe(1);
  for (let minute = 0; minute < 600; minute += 1) {
    nowMs += MINUTE_MS;
    reputations.behaved('user', 'a');
  }
  expect(reputations.of('user', 'a')).toBeGreaterThan(1.2);
});

it('keeps a bounded number of callers', () => {
  const reputations = openReputations({ maxKeys: 3, now: () => 0 });
  for (const key of ['a', 'b', 'c', 'd']) reputations.violated('user', key);
  expect(reputations.of('user', 'a')).toBe(1);
  expect(reputations.of('user', 'd')).toBeLessThan(1);
});

it('stays within its bounds', () => {
  const act = fc.record({ good: fc.boolean(), waitMs: fc.nat(10 * MINUTE_MS) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      let nowMs = 0;
      const reputations = openReputations({ now: () => nowMs });
      for (const { good, waitMs } of acts) {
        nowMs += waitMs;
        if (good) reputations.behaved('user', 'a');
        else reputations.violated('user', 'a');
        expect(reputations.of('user', 'a')).toBeGreaterThanOrEqual(LEAST_REPUTATION);
        expect(reputations.of('user', 'a')).toBeLessThanOrEqual(BEST_REPUTATION);
      }
    }),
  );
});
