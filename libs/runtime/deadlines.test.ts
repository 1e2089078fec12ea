import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openDeadlines } from '#runtime/deadlines.ts';

it('tells what is late, in order, and not before its time', async () => {
  const late: [string, number][] = [];
  const deadlines = openDeadlines(30);
  const startedAt = performance.now();
  const note = (name: string) => (): void => void late.push([name, performance.now() - startedAt]);
  deadlines.add(note('first'));
  await sleep(10);
  deadlines.add(note('second'));
  await sleep(60);
  expect(late.map(([name]) => name)).toEqual(['first', 'second']);
  expect(late[0]?.[1]).toBeGreaterThanOrEqual(29);
  expect(late[1]?.[1]).toBeGreaterThanOrEqual(39);
});

it('says nothing of what was done in time, and goes on watching the others', async () => {
  const late: string[] = [];
  const deadlines = openDeadlines(15);
  const done = deadlines.add(() => late.push('done'));
  deadlines.add(() => late.push('left'));
  done();
  await sleep(40);
  deadlines.add(() => late.push('later'));
  await sleep(40);
  expect(late).toEqual(['left', 'later']);
});

it('settles like the work, or fails with the given code when that takes too long', async () => {
  const deadlines = openDeadlines(15);
  expect(await deadlines.within(Promise.resolve(7), 'not-ready')).toBe(7);
  await expect(deadlines.within(Promise.reject(new Error('broken')), 'not-ready')).rejects.toThrow('broken');
  const slow = sleep(60).then(() => Promise.reject(new Error('too late to be heard')));
  await expect(deadlines.within(slow, 'not-ready')).rejects.toThrow('not-ready: no answer within 15 ms');
  await sleep(60);
});
