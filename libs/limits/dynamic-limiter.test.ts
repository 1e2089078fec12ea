import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDynamicLimiter, type DynamicPolicy, type Verdict } from '#limits/dynamic-limiter.ts';
import { openLimiter } from '#limits/limiter.ts';
import { openReputations } from '#limits/reputation.ts';

const policy: DynamicPolicy = { name: 'user', points: 10, windowSeconds: 60 };

function limiterUnder({ random = () => 0 }: { random?: () => number } = {}) {
  let nowMs = 0;
  const now = (): number => nowMs;
  const load = { factor: 1 };
  const reputations = openReputations({ now });
  const dynamic = openDynamicLimiter({ limiter: openLimiter({ counters: { now } }), load, reputations, random });
  return {
    load,
    reputations,
    pass: (ms: number): void => {
      nowMs += ms;
    },
    take: async (times: number, cost = 1, of = policy): Promise<Verdict[]> => {
      const verdicts = [];
      for (let time = 0; time < times; time += 1) verdicts.push(await dynamic.take(of, 'key', cost));
      return verdicts;
    },
  };
}

const outcomes = (verdicts: Verdict[]): string[] => verdicts.map(({ outcome }) => outcome);

describe('a quota', () => {
  it('is used up by what requests cost', async () => {
    const { take } = limiterUnder();
    const verdicts = await take(3, 4);
    expect(outcomes(verdicts)).toEqual(['allowed', 'allowed', 'exceeded']);
    expect(verdicts[1]).toMatchObject({ quota: 10, remaining: 2, resetSeconds: 60, windowSeconds: 60 });
  });

  it('shrinks under load, which is then named as the cause and is soon over', async () => {
    const { load, take } = limiterUnder();
    load.factor = 0.5;
    const verdicts = await take(6);
    expect(outcomes(verdicts)).toEqual(['allowed', 'allowed', 'allowed', 'allowed', 'allowed', 'shed']);
    expect(verdicts[5]).toMatchObject({ quota: 5, remaining: 0, resetSeconds: 5 });
    load.factor = 1;
    expect(outcomes(await take(1))).toEqual(['allowed']);
  });

  it('is the caller’s own fault once all is used that there would be without load', async () => {
    const { load, take } = limiterUnder();
    await take(10);
    load.factor = 0.5;
    expect(outcomes(await take(1))).toEqual(['exceeded']);
  });

  it('keeps the part of it that no load takes', async () => {
    const { load, take } = limiterUnder();
    load.factor = 0.25;
    expect((await take(1, 1, { ...policy, leastFactor: 1 }))[0]).toMatchObject({ quota: 10 });
  });

  it('shrinks for those who keep hitting it, who are told that this is not usual', async () => {
    const { take, pass } = limiterUnder();
    const quotas = [];
    for (let minute = 0; minute < 6; minute += 1) {
      const verdicts = await take(12);
      quotas.push(verdicts[0]?.quota);
      pass(60_000);
    }
    expect(quotas[0]).toBe(10);
    expect(quotas.at(-1)).toBeLessThan(5);
    expect(outcomes(await take(12))).toContain('abnormal');
  });

  it('is never too small for one request', async () => {
    const { load, take } = limiterUnder();
    load.factor = 0.25;
    expect(outcomes(await take(1, 50))).toEqual(['allowed']);
  });
});

it('spreads the return of those it refuses, and never names a time before there is more', async () => {
  const waits = new Set<number>();
  for (let n = 0; n < 40; n += 1) {
    const { take } = limiterUnder({ random: () => n / 40 });
    waits.add((await take(11))[10]?.resetSeconds as number);
  }
  expect(Math.min(...waits)).toBe(60);
  expect(Math.max(...waits)).toBeLessThanOrEqual(66);
  expect(waits.size).toBeGreaterThan(4);
});

it('never lets more through than base, reputation and load allow', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ cost: fc.integer({ min: 1, max: 6 }), factor: fc.double({ min: 0, max: 1, noNaN: true }) }),
        {
          maxLength: 60,
        },
      ),
      async (requests) => {
        const { load, take } = limiterUnder();
        let spent = 0;
        for (const { cost, factor } of requests) {
          load.factor = factor;
          const [verdict] = await take(1, cost);
          if (verdict?.outcome === 'allowed') spent += cost;
          expect(verdict?.quota).toBeGreaterThanOrEqual(cost);
          expect(verdict?.remaining).toBeGreaterThanOrEqual(0);
        }
        expect(spent).toBeLessThanOrEqual(15);
      },
    ),
  );
});
