import { expect, it } from 'vitest';
import { openBreaker } from '#runtime/breaker.ts';

function open() {
  let nowMs = 0;
  const breaker = openBreaker({ threshold: 3, firstPauseMs: 1_000, maxPauseMs: 4_000, now: () => nowMs });
  return { breaker, pass: (ms: number) => void (nowMs += ms) };
}

it('opens after so many failures in a row, and not when one success is between them', () => {
  const { breaker } = open();
  breaker.failed();
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  breaker.failed();
  expect(breaker.waitSeconds()).toBe(0);
  breaker.failed();
  expect(breaker.waitSeconds()).toBe(1);
});

it('pauses twice as long each time, up to its limit', () => {
  const { breaker, pass } = open();
  const pauses = [];
  for (let failure = 0; failure < 2; failure += 1) breaker.failed();
  for (let round = 0; round < 4; round += 1) {
    breaker.failed();
    pauses.push(breaker.waitSeconds());
    pass(pauses.at(-1)! * 1_000);
  }
  expect(pauses).toEqual([1, 2, 4, 4]);
});

it('does not grow its pause by failures of requests that were under way', () => {
  const { breaker } = open();
  for (let failure = 0; failure < 20; failure += 1) breaker.failed();
  expect(breaker.waitSeconds()).toBe(1);
});

it('starts anew after a success', () => {
  const { breaker, pass } = open();
  for (let failure = 0; failure < 3; failure += 1) breaker.failed();
  pass(1_000);
  breaker.succeeded();
  for (let failure = 0; failure < 3; failure += 1) breaker.failed();
  expect(breaker.waitSeconds()).toBe(1);
});
