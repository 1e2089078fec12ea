import { expect, it } from 'vitest';
import { openFailureRatio } from '#limits/failure-ratio.ts';

function ratioAt() {
  let nowMs = 0;
  const alarms: { attempts: number; failures: number }[] = [];
  const ratio = openFailureRatio({ now: () => nowMs, onHigh: (counts) => alarms.push(counts) });
  return {
    ratio,
    alarms,
    pass: (ms: number): void => {
      nowMs += ms;
    },
    add: (failures: number, successes: number): void => {
      for (let n = 0; n < failures + successes; n += 1) ratio.attempted();
      for (let n = 0; n < successes; n += 1) ratio.succeeded();
    },
  };
}

it.each([
  ['a bad morning', 60, 40, false],
  ['few sign-ins, all of them wrong', 99, 0, false],
  ['many that are wrong, among as many that are right', 400, 200, false],
  ['many that are wrong, and hardly any right', 400, 50, true],
])('%s', (_, failures, successes, isHigh) => {
  const { ratio, add } = ratioAt();
  add(failures, successes);
  expect(ratio.isHigh()).toBe(isHigh);
});

it('counts no attempt at which nobody looked, neither way', () => {
  const { ratio, add } = ratioAt();
  for (let n = 0; n < 900; n += 1) {
    ratio.attempted();
    ratio.withdrawn();
  }
  expect(ratio.isHigh()).toBe(false);
  add(100, 0);
  expect(ratio.isHigh()).toBe(true);
});

it('alarms once, stays high while it simmers, and calms down when the failures are five minutes old', () => {
  const { ratio, alarms, add, pass } = ratioAt();
  add(200, 0);
  expect([ratio.isHigh(), ratio.isHigh()]).toEqual([true, true]);
  add(0, 100);
  expect(ratio.isHigh()).toBe(true);
  pass(301_000);
  expect(ratio.isHigh()).toBe(false);
  expect(alarms).toEqual([{ attempts: 200, failures: 200 }]);
});
