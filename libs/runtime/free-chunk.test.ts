import { expect, it } from 'vitest';
import { freeChunk } from '#runtime/free-chunk.ts';

it('frees a chunk that has its memory for itself', () => {
  const chunk = Buffer.alloc(65_536, 1);
  freeChunk(chunk);
  expect(chunk.length).toBe(0);
});

it('leaves memory alone of which others have a part', () => {
  const whole = Buffer.alloc(65_536, 1);
  const pooled = Buffer.from('pooled');
  const shared = Buffer.from(new SharedArrayBuffer(4));
  for (const chunk of [whole.subarray(1), whole.subarray(0, 100), pooled, shared]) {
    const { length } = chunk;
    freeChunk(chunk);
    expect(chunk.length).toBe(length);
  }
  expect(whole[0]).toBe(1);
});
