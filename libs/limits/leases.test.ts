import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Leases, type Taking } from '#limits/leases.ts';

const POINTS = 1_000;
const WINDOW_MS = 60_000;

/** Takes from a counter that stands at `total` after it. */
function keep(leases: Leases, taking: Taking, total: number, nowMs = 0): number {
  return leases.keep('a', { ...taking, cost: 1 }, { total, remainingMs: WINDOW_MS, nowMs });
}

function leasesAt(total: number): Leases {
  const leases = new Leases();
  keep(leases, leases.ask('a', 1, POINTS, 0), total);
  return leases;
}

it('asks for one point first, then for a fiftieth of what is left, and one by one near the end', () => {
  expect(new Leases().ask('a', 1, POINTS, 0)).toEqual({ size: 1, isLease: false });
  expect(leasesAt(1).ask('a', 1, POINTS, 0)).toEqual({ size: 19, isLease: true });
  expect(leasesAt(970).ask('a', 1, POINTS, 0)).toEqual({ size: 1, isLease: true });
});

it('takes one lease at a time, keeps it while others take theirs, and gives it out to the end of the window', () => {
  const leases = leasesAt(1);
  const takings = [leases.ask('a', 1, POINTS, 0), leases.ask('a', 1, POINTS, 0)] as const;
  expect(takings.map(({ size }) => size)).toEqual([19, 1]);
  expect(keep(leases, takings[0], 20)).toBe(2);
  expect(keep(leases, takings[1], 21, 1)).toBe(21);
  expect(leases.spend('a', 1, POINTS, 2)).toEqual({ used: 3, remainingMs: WINDOW_MS - 2 });
  expect(leases.spend('a', 1, POINTS, WINDOW_MS)).toBeUndefined();
});

it('asks anew after a lease could not be had', () => {
  const leases = leasesAt(1);
  leases.drop('a', leases.ask('a', 1, POINTS, 0));
  expect(leases.ask('a', 1, POINTS, 0).isLease).toBe(true);
});

it('gives out no point that is beyond a quota which has shrunk meanwhile', () => {
  const leases = leasesAt(1);
  keep(leases, leases.ask('a', 1, POINTS, 0), 20);
  expect(leases.spend('a', 1, 2, 0)).toBeUndefined();
});

it('never gives out more than a counter has, whoever asks in whatever order', () => {
  const act = fc.record({ process: fc.integer({ min: 0, max: 2 }), cost: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 400 }), fc.integer({ min: 1, max: 600 }), (acts, points) => {
      const processes = [new Leases(), new Leases(), new Leases()];
      let counter = 0;
      let given = 0;
      for (const { process, cost } of acts) {
        const leases = processes[process] as Leases;
        if (leases.spend('a', cost, points, 0) !== undefined) {
          given += cost;
          continue;
        }
        const taking = leases.ask('a', cost, points, 0);
        counter += taking.size;
        const state = { total: counter, remainingMs: WINDOW_MS, nowMs: 0 };
        if (leases.keep('a', { ...taking, cost }, state) <= points) given += cost;
      }
      expect(given).toBeLessThanOrEqual(points);
    }),
  );
});
