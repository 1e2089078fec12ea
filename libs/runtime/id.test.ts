import { expect, it } from 'vitest';
import { isId, newId } from '#runtime/id.ts';

it('makes ids of version 7 that carry their time', () => {
  const id = newId(0x0190_1234_5678);
  expect(id).toMatch(/^01901234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(isId(id)).toBe(true);
});

it('makes ids that sort by their millisecond', () => {
  const ids = [1, 0xff, 0x100, 0x0fff_ffff, 0x1_0000_0000, Date.now(), 0xffff_ffff_ffff].map((ms) => newId(ms));
  expect(ids.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(ids);
});

it('makes no id twice', () => {
  const ids = Array.from({ length: 10_000 }, () => newId(1));
  expect(new Set(ids).size).toBe(ids.length);
});

it.each(['', '0190-1234', '01901234-5678-9000-8000-000000000000', '01901234-5678-7000-8000-00000000000G'])(
  'takes %j for no id',
  (text) => {
    expect(isId(text)).toBe(false);
  },
);
