import { describe, expect, it } from 'vitest';
import { rotated } from './rotation.ts';

it('adds, uses and drops, so that at each step every process knows what the others make', () => {
  const added = rotated(['old'], 'add', 'new');
  const used = rotated(added, 'use', '');
  const dropped = rotated(used, 'drop', '');
  expect([added, used, dropped]).toEqual([['old', 'new'], ['new', 'old'], ['new']]);
  // Whoever runs with one list can read what is made by whoever runs with the one before or after it.
  const steps = [['old'], added, used, dropped];
  const neighbours = steps.slice(1).flatMap((list, at) => [
    { list, made: steps[at]?.[0] },
    { list: steps[at], made: list[0] },
  ]);
  for (const { list, made } of neighbours) expect(list).toContain(made);
});

describe('refuses', () => {
  it.each([
    [['a', 'b'], 'add'],
    [['a'], 'use'],
    [['a'], 'drop'],
    [['a', 'b', 'c'], 'use'],
    [[], 'add'],
  ] as const)('%j %s', (list, step) => {
    expect(() => rotated(list, step, 'x')).toThrow(/begin without|under way/);
  });
});
