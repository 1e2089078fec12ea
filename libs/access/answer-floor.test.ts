import { expect, it } from 'vitest';
import { openAnswerFloor } from '#access/answer-floor.ts';

it('is no floor as long as all hashes are of one kind', () => {
  const floor = openAnswerFloor();
  floor.note('own', 20);
  expect(floor.ms).toBe(0);
});

it.each([
  ['dearer than ours', 20, 200, 250],
  ['cheaper than ours', 20, 1, 25],
  ['beyond all measure', 20, 60_000, 2_000],
])('lies above both kinds where the imported ones are %s', (_, own, foreign, expected) => {
  const floor = openAnswerFloor();
  floor.note('own', own);
  floor.note('foreign', foreign);
  expect(floor.ms).toBe(expected);
});

it('lies above most of the last checks of each kind, and forgets a slow moment', () => {
  const floor = openAnswerFloor();
  floor.note('foreign', 1_000);
  expect(floor.ms).toBe(1_250);
  for (let time = 0; time < 31; time += 1) floor.note('foreign', 100 + time);
  expect(floor.ms).toBeGreaterThan(100 * 1.25);
  expect(floor.ms).toBeLessThan(131 * 1.25);
  const before = floor.ms;
  for (let time = 0; time < 100; time += 1) floor.note('own', 10);
  expect(floor.ms).toBe(before);
});
