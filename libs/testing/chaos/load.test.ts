import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openLoad } from '#testing/chaos/load.ts';

it('begins as much as its rate says, whatever the answers take, and nothing after it was stopped', async () => {
  const load = openLoad();
  let begun = 0;
  load.arrive(200, () => {
    begun += 1;
    load.track(sleep(400));
  });
  await sleep(500);
  load.stop();
  const atStop = begun;
  expect(atStop).toBeGreaterThan(20);
  expect(atStop).toBeLessThanOrEqual(110);
  await load.settle(1_000);
  expect(begun).toBe(atStop);
  expect(load.underWay).toBe(0);
  await load.close();
});

it('tries again until there is an answer', async () => {
  const load = openLoad();
  const pauses: number[] = [];
  const pauseMs = (tries: number): number => {
    pauses.push(tries);
    return 1;
  };
  let tries = 0;
  expect(await load.insist(pauseMs, async () => (tries += 1) === 4)).toBe(true);
  expect(pauses).toEqual([1, 2, 3]);
});

it('loses patience once it settles', async () => {
  const load = openLoad();
  const given = load.insist(
    () => 5,
    async () => false,
  );
  load.track(given);
  await load.settle(50);
  expect(await given).toBe(false);
});

it('attends until it is closed, also after it was stopped', async () => {
  const load = openLoad();
  let looks = 0;
  load.attend(
    () => 5,
    async () => (looks += 1),
  );
  await load.settle(10);
  const atSettled = looks;
  await sleep(100);
  expect(looks).toBeGreaterThan(atSettled);
  await load.close();
  const atClose = looks;
  await sleep(50);
  expect(looks).toBe(atClose);
});
