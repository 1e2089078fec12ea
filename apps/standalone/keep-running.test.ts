import { expect, it } from 'vitest';
import { keepRunning, type Started } from './keep-running.ts';

function fake(): Started & { end: (code: number) => void; stops: number } {
  const { promise, resolve } = Promise.withResolvers<number>();
  return {
    ended: promise,
    end: resolve,
    stops: 0,
    async stop() {
      this.stops += 1;
      resolve(0);
    },
  };
}

it('starts again what ended, and says so', async () => {
  const [first, second] = [fake(), fake()];
  const again = Promise.withResolvers<void>();
  const lines: string[] = [];
  const stop = keepRunning(
    first,
    async () => {
      again.resolve();
      return second;
    },
    { name: 'worker', say: (line) => lines.push(line) },
  );
  first.end(137);
  await again.promise;
  await stop();
  expect(lines).toEqual(['worker ended (exit 137): starting it again in 0.5 s']);
  expect(second.stops).toBe(1);
});

it('tries again after a start that failed', async () => {
  const first = fake();
  const third = Promise.withResolvers<void>();
  const lines: string[] = [];
  let tries = 0;
  const stop = keepRunning(
    first,
    async () => {
      tries += 1;
      if (tries === 1) throw new Error('no room');
      third.resolve();
      return fake();
    },
    { name: 'board', say: (line) => lines.push(line) },
  );
  first.end(1);
  await third.promise;
  await stop();
  expect(lines).toEqual([
    'board ended (exit 1): starting it again in 0.5 s',
    'board: no room',
    'board could not be started: starting it again in 1 s',
  ]);
});

it('stops at once although it waits to start again, and starts nothing afterwards', async () => {
  const first = fake();
  const waiting = Promise.withResolvers<void>();
  let starts = 0;
  const stop = keepRunning(
    first,
    async () => {
      starts += 1;
      return fake();
    },
    { name: 'worker', say: () => waiting.resolve() },
  );
  first.end(1);
  await waiting.promise;
  await stop();
  expect(starts).toBe(0);
});

it('stops what was just being started when it was asked to stop', async () => {
  const [first, second] = [fake(), fake()];
  const starting = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const stop = keepRunning(
    first,
    async () => {
      starting.resolve();
      await release.promise;
      return second;
    },
    { name: 'worker', say: () => undefined },
  );
  first.end(1);
  await starting.promise;
  const stopped = stop();
  release.resolve();
  await stopped;
  expect(second.stops).toBe(1);
});
