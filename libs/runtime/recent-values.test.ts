import { expect, it } from 'vitest';
import { openRecentValues } from '#runtime/recent-values.ts';

it('tells the middle and the 99th percentile of what came since the last look', () => {
  const values = openRecentValues();
  for (let value = 100; value >= 1; value -= 1) values.add(value);
  expect(values.take()).toEqual({ count: 100, p50: 50, p99: 99 });
  expect(values.take()).toBeUndefined();
  values.add(7);
  expect(values.take()).toEqual({ count: 1, p50: 7, p99: 7 });
});

it('keeps a bounded sample in which late values have their place', () => {
  const values = openRecentValues({ max: 100 });
  for (let n = 0; n < 10_000; n += 1) values.add(n < 5_000 ? 1 : 2);
  const { count, p99 } = values.take() ?? {};
  expect([count, p99]).toEqual([10_000, 2]);
});
