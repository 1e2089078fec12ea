import { expect, it } from 'vitest';
import { faultsWithoutRedis, lastLine, tallyOf } from './tally.mjs';

const report = { numPassedTests: 7, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1, testResults: [] };

it.each([
  ['a run without faults', report, true, { passed: 7, failed: 0, skipped: 3 }],
  ['failed tests', { ...report, numFailedTests: 2 }, false, { passed: 7, failed: 2, skipped: 3 }],
  [
    'a file that could not be run',
    { ...report, testResults: [{ status: 'failed', assertionResults: [] }] },
    false,
    { passed: 7, failed: 1, skipped: 3 },
  ],
  ['an error outside any test', report, false, { passed: 7, failed: 1, skipped: 3 }],
  ['a run that wrote no report', undefined, false, { passed: 0, failed: 1, skipped: 0 }],
  ['a run that wrote no report and claims success', undefined, true, { passed: 0, failed: 1, skipped: 0 }],
])('counts %s', (_title, given, succeeded, expected) => {
  expect(tallyOf(given, succeeded)).toEqual(expected);
});

it('ends with one plain line', () => {
  expect(lastLine({ passed: 7, failed: 0, skipped: 0 })).toBe('7 passed, 0 failed');
  expect(lastLine({ passed: 7, failed: 1, skipped: 3 })).toBe('7 passed, 1 failed, 3 skipped');
});

it('takes a missing Redis for a failure where CI says so only', () => {
  expect(faultsWithoutRedis({ CI: 'true' })).toMatchObject([{ title: 'redis', passed: false }]);
  expect(faultsWithoutRedis({})).toEqual([]);
});
