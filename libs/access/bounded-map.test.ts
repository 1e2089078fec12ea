import { expect, it } from 'vitest';
import { BoundedMap } from '#access/bounded-map.ts';

it('never holds more than it may, however many come', () => {
  const map = new BoundedMap<number, number>(100);
  let most = 0;
  for (let n = 0; n < 1_000; n += 1) {
    map.set(n, n);
    most = Math.max(most, map.size);
  }
  expect(most).toBe(100);
});

it('keeps what is used while others come and go', () => {
  const map = new BoundedMap<string, number>(100);
  map.set('used', 1);
  for (let n = 0; n < 1_000; n += 1) {
    map.set(`other ${n}`, n);
    expect(map.get('used')).toBe(1);
  }
  expect(map.get('other 0')).toBeUndefined();
});

it('keeps the latest half whatever was used before', () => {
  const map = new BoundedMap<number, number>(100);
  for (let n = 0; n < 1_000; n += 1) map.set(n, n);
  expect(Array.from({ length: 50 }, (_, n) => map.get(999 - n))).not.toContain(undefined);
});

it('forgets what is deleted, in whichever half it was', () => {
  const map = new BoundedMap<number, number>(10);
  for (let n = 0; n < 8; n += 1) map.set(n, n);
  for (let n = 0; n < 8; n += 1) map.delete(n);
  expect(map.size).toBe(0);
});

it('has one value for a key that was set again after it had grown old', () => {
  const map = new BoundedMap<string, number>(4);
  map.set('a', 1);
  map.set('b', 1);
  map.set('c', 1);
  map.set('a', 2);
  expect(map.get('a')).toBe(2);
  map.delete('a');
  expect(map.get('a')).toBeUndefined();
});
