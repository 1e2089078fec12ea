import { expect, it } from 'vitest';
import { openBackOff } from './back-off.ts';

it('doubles the wait up to its limit', () => {
  const backOff = openBackOff({ maxMs: 10_000 });
  expect(Array.from({ length: 7 }, () => backOff.next(100))).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

it('begins anew after a long run', () => {
  const backOff = openBackOff({ maxMs: 10_000 });
  backOff.next(100);
  backOff.next(100);
  expect(backOff.next(10_000)).toBe(500);
  expect(backOff.next(9_999)).toBe(1_000);
});

it('stays at its limit however often it is asked', () => {
  const backOff = openBackOff({ maxMs: 10_000 });
  for (let times = 0; times < 2_000; times += 1) backOff.next(0);
  expect(backOff.next(0)).toBe(10_000);
});
