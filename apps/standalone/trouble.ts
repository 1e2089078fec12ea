const WINDOW_MS = 10_000;
const LINES_IN_WINDOW = 5;

/** Shows a process's troubles on the terminal, but no flood of them: the log file has them all. */
export function openTroubleLines(
  name: string,
  logPath: string,
  say: (line: string) => void,
  now: () => number = Date.now,
): (line: string) => void {
  let windowStart = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (line) => {
    if (now() - windowStart > WINDOW_MS) {
      windowStart = now();
      count = 0;
    }
    count += 1;
    if (count <= LINES_IN_WINDOW) say(`[${name}] ${line}`);
    if (count === LINES_IN_WINDOW + 1) say(`[${name}] more in ${logPath}`);
  };
}
