import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openBatcher, type BatcherOptions } from '#runtime/batcher.ts';
import { isFailure } from '#runtime/failure.ts';

const open = (options: Partial<BatcherOptions<number, number>>) =>
  openBatcher<number, number>({
    write: (items) => Promise.resolve(items),
    isItemFault: () => true,
    bytesOf: () => 1,
    maxRows: 4,
    maxBatchBytes: 1_000,
    maxInFlight: 1,
    maxWaitingRows: 100,
    maxWaitingBytes: 1_000,
    maxAgeMs: 1_000,
    full: 'journal-full',
    ...options,
  });

it('writes a lone item at once', async () => {
  expect(await open({}).add(7)).toBe(7);
});

it('gathers what comes in while a batch is in flight, up to the limit of rows', async () => {
  const batches: number[][] = [];
  const batcher = open({
    write: async (items) => {
      batches.push([...items]);
      await sleep(5);
      return items;
    },
  });
  const first = batcher.add(0);
  await sleep(1);
  const rest = [1, 2, 3, 4, 5, 6].map((item) => batcher.add(item));
  expect(await Promise.all([first, ...rest])).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(batches).toEqual([[0], [1, 2, 3, 4], [5, 6]]);
});

it('has no more batches in flight than it may', async () => {
  let inFlight = 0;
  let most = 0;
  const batcher = open({
    maxInFlight: 2,
    maxRows: 1,
    write: async (items) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await sleep(2);
      inFlight -= 1;
      return items;
    },
  });
  await Promise.all(Array.from({ length: 20 }, (_, item) => batcher.add(item)));
  expect(most).toBe(2);
});

describe('a batch that gathers beside one in flight', () => {
  function openGathering(gatherMs: number) {
    const begun: number[][] = [];
    const ends: (() => void)[] = [];
    const batcher = open({
      maxInFlight: 2,
      gatherMs,
      write: (items) => {
        begun.push([...items]);
        return new Promise((resolve) => ends.push(() => resolve(items)));
      },
    });
    return { begun, ends, batcher };
  }

  it('begins when that one ends', async () => {
    const { begun, ends, batcher } = openGathering(60_000);
    const results = [batcher.add(1)];
    await sleep(5);
    results.push(batcher.add(2), batcher.add(3));
    await sleep(5);
    expect(begun).toEqual([[1]]);
    ends[0]?.();
    await sleep(5);
    expect(begun).toEqual([[1], [2, 3]]);
    ends[1]?.();
    expect(await Promise.all(results)).toEqual([1, 2, 3]);
  });

  it('begins when it is full', async () => {
    const { begun, ends, batcher } = openGathering(60_000);
    const results = [batcher.add(1)];
    await sleep(5);
    results.push(...[2, 3, 4, 5].map((item) => batcher.add(item)));
    await sleep(5);
    expect(begun).toEqual([[1], [2, 3, 4, 5]]);
    for (const end of ends) end();
    await Promise.all(results);
  });

  it('begins after its time when that one is stuck', async () => {
    const { begun, ends, batcher } = openGathering(10);
    const results = [batcher.add(1)];
    await nextTurn();
    results.push(batcher.add(2));
    await sleep(40);
    await nextTurn();
    expect(begun).toEqual([[1], [2]]);
    for (const end of ends) end();
    await Promise.all(results);
  });
});

it('has the next batch on its way before it tells the outcome of the last one', async () => {
  const happened: string[] = [];
  const ends: (() => void)[] = [];
  const batcher = open({
    write: (items) => {
      happened.push(`write ${items.join()}`);
      return new Promise((resolve) => ends.push(() => resolve(items)));
    },
  });
  const told = (item: number): Promise<number> => batcher.add(item).then((result) => happened.push(`told ${result}`));
  const first = told(1);
  await nextTurn();
  const second = told(2);
  ends[0]?.();
  await first;
  ends[1]?.();
  await second;
  expect(happened).toEqual(['write 1', 'write 2', 'told 1', 'told 2']);
  await batcher.idle();
});

it('is not idle before the last outcome is told', async () => {
  let told = 0;
  const batcher = open({ maxRows: 1 });
  for (let item = 0; item < 4; item += 1) void batcher.add(item).then(() => (told += 1));
  await batcher.idle();
  await Promise.resolve();
  expect(told).toBe(4);
});

it('halves a failed batch until only the bad item fails', async () => {
  const batcher = open({
    maxRows: 64,
    write: (items) => (items.includes(13) ? Promise.reject(new Error('bad row')) : Promise.resolve(items)),
  });
  const results = await Promise.allSettled(Array.from({ length: 40 }, (_, item) => batcher.add(item)));
  const failed = results.flatMap((result, item) => (result.status === 'rejected' ? [item] : []));
  expect(failed).toEqual([13]);
});

it('fails a whole batch at once when no item is at fault', async () => {
  let writes = 0;
  const batcher = open({
    isItemFault: () => false,
    write: () => {
      writes += 1;
      return Promise.reject(new Error('away'));
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(writes).toBe(1);
});

it.each([
  ['rows', { maxWaitingRows: 2 }],
  ['bytes', { maxWaitingBytes: 2 }],
])('refuses at once what would exceed its bound in %s', async (_what, bound) => {
  const batcher = open({ ...bound, write: () => new Promise(() => undefined) });
  void batcher.add(0);
  await sleep(5);
  void batcher.add(1);
  void batcher.add(2);
  await expect(batcher.add(3)).rejects.toSatisfy((error) => isFailure(error, 'journal-full'));
});

it('rejects what has waited past its age, and writes what has not', async () => {
  let nowMs = 0;
  let release = (): void => undefined;
  const batcher = open({
    now: () => nowMs,
    write: (items) =>
      items[0] === 0
        ? new Promise((resolve) => {
            release = () => resolve(items);
          })
        : Promise.resolve(items),
  });
  const first = batcher.add(0);
  await sleep(5);
  const old = batcher.add(1);
  nowMs = 1_500;
  const young = batcher.add(2);
  release();
  await expect(old).rejects.toSatisfy((error) => isFailure(error, 'journal-full'));
  expect(await Promise.all([first, young])).toEqual([0, 2]);
});

it('is idle when nothing waits and nothing is in flight', async () => {
  let written = 0;
  const batcher = open({
    write: async (items) => {
      await sleep(2);
      written += items.length;
      return items;
    },
  });
  for (let item = 0; item < 10; item += 1) void batcher.add(item);
  await batcher.idle();
  expect(written).toBe(10);
  await batcher.idle();
});
