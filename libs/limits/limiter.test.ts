import { expect, it } from 'vitest';
import { openLimiter, type Policy } from '#limits/limiter.ts';
import { openLocalLimiter } from '#limits/local-limiter.ts';

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
  const decisions = await Promise.all(Array.from({ length: 100 }, async () => limiter.consume(policy, 'a')));
  expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(3);
});

it('gives points back, except when the window is about to end', async () => {
  let nowMs = 0;
  const limiter = openLimiter({ counters: { now: () => nowMs } });
  const decision = await limiter.consume(policy, 'a');
  await limiter.refund(policy, 'a', decision);
  expect(await limiter.peek(policy, 'a')).toMatchObject({ remaining: 3 });
  const late = await limiter.consume(policy, 'a');
  nowMs = 59_960;
  await limiter.refund(policy, 'a', late);
  expect(await limiter.peek(policy, 'a')).toMatchObject({ remaining: 2 });
});

it('refuses a blocked key for as long as it was said', async () => {
  let nowMs = 0;
  const limiter = openLimiter({ counters: { now: () => nowMs } });
  await limiter.block(policy, 'a', 5);
  expect(await limiter.peek(policy, 'a')).toMatchObject({ allowed: false, resetSeconds: 5 });
  nowMs = 5_000;
  expect(await limiter.peek(policy, 'a')).toMatchObject({ allowed: true });
});

it('decides at once where it is of one process only', () => {
  const limiter = openLocalLimiter();
  const decisions = Array.from({ length: 4 }, () => limiter.consume(policy, 'a').allowed);
  expect(decisions).toEqual([true, true, true, false]);
  expect(limiter.peek(policy, 'a').allowed).toBe(false);
});
