import { quantile } from '../http-load.ts';

/** What was answered of the requests that were due in one window of time; milliseconds from when each was due. */
export interface Window {
  /** The middle of the window. */
  minutes: number;
  requests: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export interface Windows {
  add(dueMs: number, tookMs: number): void;
  /** Those that had requests, in their order. */
  all(): Window[];
}

/** Sorts answers into windows by when their requests were due, not by when they were sent or answered. */
export function openWindows(windowMs: number): Windows {
  const latencies: number[][] = [];
  return {
    add(dueMs, tookMs) {
      const index = Math.floor(dueMs / windowMs);
      (latencies[index] ??= []).push(tookMs);
    },
    all: () =>
      latencies.flatMap((unsorted, index) => {
        const ascending = unsorted.toSorted((a, b) => a - b);
        return {
          minutes: ((index + 0.5) * windowMs) / 60_000,
          requests: ascending.length,
          p50: quantile(ascending, 0.5),
          p90: quantile(ascending, 0.9),
          p99: quantile(ascending, 0.99),
          max: ascending.at(-1) ?? Number.NaN,
        };
      }),
  };
}
