import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { openBodyBudget } from './body-budget.ts';

const MEGABYTE = 1_048_576;
const KILOBYTE = 1_024;

/** A budget of 2 MB, one of them for bodies. */
function opened() {
  const budget = openBodyBudget(2 * MEGABYTE);
  return (headers: Record<string, string> = { 'content-length': String(MEGABYTE) }) => {
    const state = { isPaused: false };
    const request = {
      headers,
      pause: () => {
        state.isPaused = true;
      },
      resume: () => {
        state.isPaused = false;
      },
    };
    return Object.assign(state, budget.open(request as unknown as IncomingMessage));
  };
}

it('holds up every large body but the first while there is no room', () => {
  const open = opened();
  const [first, second, third] = [open(), open(), open()];
  first.grew(600 * KILOBYTE);
  second.grew(600 * KILOBYTE);
  expect([first.isPaused, second.isPaused, third.isPaused]).toEqual([false, true, false]);
  third.grew(100 * KILOBYTE);
  first.grew(400 * KILOBYTE);
  expect([first.isPaused, third.isPaused]).toEqual([false, true]);
  expect(open().isPaused).toBe(true);
  expect(open({ 'transfer-encoding': 'chunked' }).isPaused).toBe(true);
});

it('lets the next ones on, in their order, as soon as there is room for each', () => {
  const open = opened();
  const first = open();
  first.grew(MEGABYTE + 1);
  const waiting = Array.from({ length: 20 }, () => open());
  expect(waiting.every(({ isPaused }) => isPaused)).toBe(true);
  first.close();
  expect(waiting.map(({ isPaused }) => isPaused)).toEqual(waiting.map((_, n) => n >= 8));
  waiting[0]!.grew(MEGABYTE + 1);
  waiting[0]!.close();
  expect(waiting[8]!.isPaused).toBe(false);
});

it('never holds up what is small, or has no body', () => {
  const open = opened();
  open().grew(2 * MEGABYTE);
  const small = open({ 'content-length': '1000' });
  small.grew(1_000);
  expect([small.isPaused, open({}).isPaused]).toEqual([false, false]);
});

it('says once whether a reader was held up, and again for as long as it is', () => {
  const open = opened();
  const [first, second] = [open(), open()];
  expect(second.wasHeldUp()).toBe(false);
  second.grew(2 * MEGABYTE);
  expect([second.wasHeldUp(), second.wasHeldUp()]).toEqual([true, true]);
  first.close();
  expect([second.wasHeldUp(), second.wasHeldUp()]).toEqual([true, false]);
});
