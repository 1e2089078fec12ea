import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openDoorbell } from '#webhooks/doorbell.ts';

function open(add: (ids: string[]) => Promise<void>) {
  const missed: unknown[] = [];
  return { doorbell: openDoorbell({ add, onMissed: (error) => missed.push(error) }), missed };
}

it('rings after its caller has gone on', async () => {
  const rung: string[][] = [];
  const { doorbell } = open(async (ids) => void rung.push(ids));
  doorbell.ring(['a']);
  await Promise.resolve();
  expect(rung).toEqual([]);
  await doorbell.drain();
  expect(rung).toEqual([['a']]);
});

it('rings for a lone receipt at once, and lets those that follow closely share a job, up to its limit', async () => {
  const rung: number[] = [];
  const { doorbell } = open(async (ids) => void rung.push(ids.length));
  doorbell.ring(['a']);
  await new Promise(setImmediate);
  expect(rung).toEqual([1]);
  for (let n = 0; n < 30; n += 1) doorbell.ring(Array.from({ length: 10 }, (_, i) => `${n}-${i}`));
  await doorbell.drain();
  expect(rung).toEqual([1, 256, 44]);
});

it('leaves the rest to the relay when the queue is away, and rings again when it is back', async () => {
  const rung: string[][] = [];
  let isAway = true;
  const { doorbell, missed } = open(async (ids) => {
    if (isAway) throw new Error('away');
    rung.push(ids);
  });
  doorbell.ring(Array.from({ length: 600 }, (_, i) => String(i)));
  await doorbell.drain();
  expect(missed).toEqual([new Error('away')]);
  isAway = false;
  doorbell.ring(['later']);
  await doorbell.drain();
  expect(rung).toEqual([['later']]);
});

it('holds a bounded number of ids while a job does not get through', async () => {
  let release = (): void => undefined;
  const rung: number[] = [];
  const { doorbell } = open(async (ids) => {
    rung.push(ids.length);
    await new Promise<void>((resolve) => (release = resolve));
  });
  doorbell.ring(['first']);
  await sleep(1);
  for (let n = 0; n < 100; n += 1) doorbell.ring(Array.from({ length: 256 }, () => 'id'));
  const drained = doorbell.drain();
  const releasing = setInterval(() => release(), 0);
  await drained;
  clearInterval(releasing);
  expect(rung.reduce((sum, count) => sum + count)).toBe(1 + 8_192);
});
