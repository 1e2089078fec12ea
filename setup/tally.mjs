/**
 * The numbers of one vitest run. A file that could not be run, and an error outside any test, count as one failure each.
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests?: number,
 *   testResults?: readonly { status: string, assertionResults: readonly unknown[] }[] } | undefined} report
 *   vitest's JSON report; undefined if there is none
 * @param {boolean} succeeded whether vitest's exit code says so
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function tallyOf(report, succeeded) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const broken = (report.testResults ?? []).filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !succeeded ? 1 : failed,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  };
}

/** The last line: `N passed, N failed`, and how many were skipped if any were. */
export function lastLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** Where nobody looks, skipping half of the queue's tests is no success. */
export function faultsWithoutRedis({ CI }) {
  if (CI !== 'true') return [];
  return [
    { title: 'redis', passed: false, seconds: 0, note: 'no Redis server on this machine, which CI=true forbids' },
  ];
}
