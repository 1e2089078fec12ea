import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openTurns } from '#runtime/turns.ts';

it('runs as much as is allowed at a time, in the order of asking, also after work that failed', async () => {
  const inTurn = openTurns(3);
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      inTurn(async () => {
        begun.push(index);
        running += 1;
        most = Math.max(most, running);
        await sleep(index % 4);
        running -= 1;
        if (index % 5 === 0) throw new Error('failed');
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(begun).toEqual(Array.from({ length: 50 }, (_, index) => index));
  expect(results.filter(({ status }) => status === 'rejected').length).toBe(10);
  expect(await inTurn(async () => 'more')).toBe('more');
});
