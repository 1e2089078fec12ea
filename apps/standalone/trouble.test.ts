import { expect, it } from 'vitest';
import { troubleIn } from './start-process.ts';
import { openTroubleLines } from './trouble.ts';

it.each([
  ['an error', '{"level":50,"msg":"it failed","err":{"message":"no room"}}', 'it failed: no room'],
  ['a fatal error without cause', '{"level":60,"msg":"a bug ended the process"}', 'a bug ended the process'],
  ['a warning', '{"level":40,"msg":"slow"}', undefined],
  ['a line that is no JSON', 'listening', undefined],
  ['a line that is torn', '{"level":50,"ms', undefined],
])('finds what a person should see in %s', (_title, line, expected) => {
  expect(troubleIn(line)).toBe(expected);
});

it('shows a flood of troubles by its first lines, once in each window', () => {
  let now = 0;
  const lines: string[] = [];
  const show = openTroubleLines(
    'worker',
    '.data/logs/worker.log',
    (line) => lines.push(line),
    () => now,
  );
  for (let index = 0; index < 100; index += 1) show('no database');
  expect(lines).toEqual([...Array<string>(5).fill('[worker] no database'), '[worker] more in .data/logs/worker.log']);
  now = 10_001;
  show('no database');
  expect(lines.length).toBe(7);
});
