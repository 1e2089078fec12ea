import { expect, it } from 'vitest';
import { openLimiter, type Policy } from '#limits/limiter.ts';

const policy: Policy = { name: 'test', points: 3, windowSeconds: 60 };

it('lets the points of a window through, then refuses and says when to come back', async () => {
  const limiter = openLimiter();
  const decisions = [];
  for (let n = 0; n < 4; n += 1) decisions.push(await limiter.consume(policy, 'a'));
  expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
  expect(decisions.at(-1)?.resetSeconds).toBeGreaterThan(0);
  expect(decisions.at(-1)?.resetSeconds).toBeLessThanOrEqual(60);
});

it('counts each key by itself', async () => {
  const limiter = openLimiter();
  for (let n = 0; n < 5; n += 1) await limiter.consume(policy, 'a');
  expect(await limiter.consume(policy, 'b')).toMatchObject({ allowed: true, remaining: 2 });
});

it('shows a key without taking from it', async () => {
  const limiter = openLimiter();
  expect(await limiter.peek(policy, 'a')).toMatchObject({ allowed: true, remaining: 3 });
  for (let n = 0; n < 3; n += 1) await limiter.consume(policy, 'a');
  expect(await limiter.peek(policy, 'a')).toMatchObject({ allowed: false, remaining: 0 });
});

it('lets only as many through as there are points when many ask at once', async () => {
  const limiter = openLimiter();
  const decisions = await Promise.all(Array.from({ length: 100 }, () => limiter.consume(policy, 'a')));
  expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(3);
});
