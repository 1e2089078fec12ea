import { expect, it } from 'vitest';
import { removeInBatches, type Removed } from '#database/remove-in-batches.ts';

/** What the statements are asked for, each of which takes so long and removes what it may. */
async function askedFor(rows: number, { tookMs, leastRows }: { tookMs: number; leastRows: number }): Promise<number[]> {
  const asked: number[] = [];
  let [nowMs, left] = [0, rows];
  const removed = await removeInBatches(
    async (most) => {
      asked.push(most);
      nowMs += tookMs;
      const taken = Math.min(most, left);
      left -= taken;
      return { removed: taken };
    },
    { leastRows, signal: new AbortController().signal, now: () => nowMs, restMs: 0 },
  );
  expect(removed).toBe(rows);
  return asked;
}

it.each([
  ['quick', 0, 10, [100, 200, 400, 800, 1_000]],
  ['as long as they may', 40, 10, [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100]],
  ['slow', 41, 50, [100, ...Array<number>(18).fill(50), 50]],
  ['slow, and few are not worth one', 1_000, 100, Array<number>(11).fill(100)],
])('statements that are %s', async (_, tookMs, leastRows, asked) => {
  expect(await askedFor(1_000, { tookMs, leastRows })).toEqual(asked);
});

it('ends where it is told to', async () => {
  const never = async (): Promise<Removed> => Promise.reject(new Error('asked all the same'));
  expect(await removeInBatches(never, { leastRows: 1, signal: AbortSignal.abort() })).toBe(0);
});

it('goes on where the last one ended, and stays there where that said nothing', async () => {
  const asked: string[] = [];
  const answers: Removed[] = [{ removed: 2, last: '2026-01-01' }, { removed: 1 }, { removed: 0, last: null }];
  const signal = new AbortController().signal;
  const remove = async (_rows: number, from: string): Promise<Removed> => {
    asked.push(from);
    return answers[asked.length - 1] as Removed;
  };
  expect(await removeInBatches(remove, { leastRows: 1, signal, restMs: 0 })).toBe(3);
  expect(asked).toEqual(['-infinity', '2026-01-01', '2026-01-01']);
});
