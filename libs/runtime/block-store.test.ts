import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { openBlockStore } from '#runtime/block-store.ts';

const BLOCK = 16 * 1024;

it.each([0, 1, 1_000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7])('gathers %i bytes', (length) => {
  const store = openBlockStore({ keepBytes: 10 * BLOCK });
  const bytes = randomBytes(length);
  const gathered = store.open();
  for (let from = 0; from < length; from += 9_973) gathered.append(Buffer.from(bytes.subarray(from, from + 9_973)));
  expect(gathered.bytes).toBe(length);
  expect(store.look(gathered, (whole) => Buffer.from(whole))).toEqual(bytes);
});

it('keeps bodies apart that come in at the same time, and in memory that was used before', () => {
  const store = openBlockStore({ keepBytes: 4 * BLOCK });
  for (let round = 0; round < 5; round += 1) {
    const bodies = Array.from({ length: 5 }, (_, n) => randomBytes(BLOCK * n + 100));
    const gathered = bodies.map(() => store.open());
    for (let from = 0; from < 5 * BLOCK; from += 10_000) {
      bodies.forEach((body, n) => gathered[n]!.append(Buffer.from(body.subarray(from, from + 10_000))));
    }
    const seen = gathered.map((each) => store.look(each, (whole) => Buffer.from(whole)));
    for (const each of gathered) each.free();
    expect(seen).toEqual(bodies);
  }
});

it('is empty once it was freed', () => {
  const store = openBlockStore({ keepBytes: BLOCK });
  const gathered = store.open();
  gathered.append(Buffer.from('secret'));
  gathered.free();
  expect(store.look(gathered, (whole) => whole.length)).toBe(0);
});

it('frees the memory of a chunk at once, and only where no other buffer shares it', () => {
  const gathered = openBlockStore({ keepBytes: BLOCK }).open();
  const own = Buffer.allocUnsafeSlow(1_000).fill('a');
  gathered.append(own);
  expect([own.length, own.buffer.byteLength]).toEqual([0, 0]);
  const shared = Buffer.allocUnsafeSlow(1_000).fill('b');
  gathered.append(shared.subarray(0, 500));
  expect(shared.toString()).toBe('b'.repeat(1_000));
  expect(gathered.bytes).toBe(1_500);
});
