import { beforeEach, expect, it } from 'vitest';
import { Failure } from '#runtime/failure.ts';
import { openTrailBell } from './trail-bell.ts';

const never = new AbortController().signal;
let isDue = true;
let isAway = false;
let nowMs = 0;
let acts: string[] = [];
let bell: ReturnType<typeof openTrailBell>;
beforeEach(() => {
  [isDue, isAway, nowMs, acts] = [true, false, 0, []];
  bell = openTrailBell({
    isDue: () => Promise.resolve(isDue),
    ring: () => {
      acts.push('ring');
      return isAway ? Promise.reject(new Failure('queue-unavailable')) : Promise.resolve();
    },
    tend: () => {
      acts.push('tend');
      return Promise.resolve();
    },
    now: () => nowMs,
  });
});

it('rings while there is something to seal', async () => {
  await bell.tick(never);
  isDue = false;
  await bell.tick(never);
  expect(acts).toEqual(['ring']);
});

it('seals at once while the queue is away', async () => {
  isAway = true;
  await bell.tick(never);
  expect(acts).toEqual(['ring', 'tend']);
});

it('seals by itself what five seconds of ringing have not sealed, and no longer once it is sealed', async () => {
  for (nowMs = 0; nowMs < 7_000; nowMs += 1_000) await bell.tick(never);
  expect(acts).toEqual(['ring', 'ring', 'ring', 'ring', 'ring', 'tend', 'tend']);
  isDue = false;
  await bell.tick(never);
  isDue = true;
  await bell.tick(never);
  expect(acts.at(-1)).toBe('ring');
});
