import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LEAST_FACTOR, openLoad } from '#limits/load.ts';

function loadOf(): { feed: (...values: number[]) => number[] } {
  let value = 0;
  const load = openLoad([{ name: 'test', read: () => value, calm: 100, full: 200 }]);
  return {
    feed: (...values) =>
      values.map((next) => {
        value = next;
        load.sample();
        return load.factor;
      }),
  };
}

it('leaves quotas whole while all is calm', () => {
  expect(new Set(loadOf().feed(0, 50, 100, 99))).toEqual(new Set([1]));
});

it('is not impressed by a single spike', () => {
  expect(new Set(loadOf().feed(0, 500, 0, 500, 0, 500, 0))).toEqual(new Set([1]));
});

it('shrinks quotas with pressure that lasts, down to a quarter', () => {
  expect(loadOf().feed(150, 150)).toEqual([1, 0.625]);
  expect(loadOf().feed(10_000, 10_000, 10_000)).toEqual([1, LEAST_FACTOR, LEAST_FACTOR]);
});

it('grows again slowly, and only after a while of calm', () => {
  const { feed } = loadOf();
  feed(10_000, 10_000);
  expect(feed(0, 0, 0, 0, 0)).toEqual(Array.from({ length: 5 }, () => LEAST_FACTOR));
  const growing = feed(...Array.from({ length: 10 }, () => 0));
  expect(growing).toEqual(growing.toSorted((one, other) => one - other));
  expect(growing.at(-1)).toBe(1);
  for (const [index, factor] of growing.entries()) {
    expect(factor - (growing[index - 1] ?? LEAST_FACTOR)).toBeLessThan(0.101);
  }
});

it('takes the worst of several probes, and none that can not be read', () => {
  const probe = (value: number) => ({ name: 'x', read: () => value, calm: 100, full: 200 });
  const load = openLoad([probe(0), probe(150), probe(Number.NaN)]);
  load.sample();
  load.sample();
  expect(load.factor).toBe(0.625);
});

it('stays within its bounds and settles under steady pressure, whatever came before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -1_000, max: 100_000 })),
      fc.integer({ min: 0, max: 400 }),
      (past, steady) => {
        const { feed } = loadOf();
        for (const factor of feed(...past)) {
          expect(factor).toBeGreaterThanOrEqual(LEAST_FACTOR);
          expect(factor).toBeLessThanOrEqual(1);
        }
        const [expected] = loadOf().feed(steady, steady).slice(-1);
        expect(feed(...Array.from({ length: 40 }, () => steady)).at(-1)).toBeCloseTo(expected as number, 10);
      },
    ),
  );
});
