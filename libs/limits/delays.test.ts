import { expect, it } from 'vitest';
import { openDelays } from '#limits/delays.ts';
import { openLimiter } from '#limits/limiter.ts';

const rules = { name: 'delay', free: 2, baseSeconds: 1, capSeconds: 10, memorySeconds: 3_600 };

it('grows from failure to failure up to its cap, and is over when its time has come', async () => {
  let nowMs = 0;
  const delays = openDelays(openLimiter({ counters: { now: () => nowMs } }), rules);
  const waits = [];
  for (let failure = 0; failure < 8; failure += 1) {
    await delays.failed('key');
    const wait = await delays.waitSeconds('key');
    waits.push(wait);
    nowMs += wait * 1_000;
    expect(await delays.waitSeconds('key')).toBe(0);
  }
  expect(waits).toEqual([0, 0, 1, 2, 4, 8, 10, 10]);
  expect(await delays.waitSeconds('other')).toBe(0);
});

it('forgets failures after a while', async () => {
  let nowMs = 0;
  const delays = openDelays(openLimiter({ counters: { now: () => nowMs } }), rules);
  for (let failure = 0; failure < 5; failure += 1) await delays.failed('key');
  nowMs += 3_600_000;
  await delays.failed('key');
  expect(await delays.waitSeconds('key')).toBe(0);
});
