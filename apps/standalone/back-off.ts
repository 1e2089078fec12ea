const FIRST_MS = 500;

/**
 * How long to wait before something that ended is started again: doubling from half a second to `maxMs`. Having run for
 * `maxMs` counts as a recovery.
 */
export function openBackOff({ maxMs }: { maxMs: number }): { next(ranMs: number): number } {
  let failures = 0;
  return {
    next(ranMs) {
      failures = ranMs >= maxMs ? 1 : failures + 1;
      return Math.min(maxMs, FIRST_MS * 2 ** (failures - 1));
    },
  };
}
