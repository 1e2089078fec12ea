import { setTimeout as sleep } from 'node:timers/promises';
import { canRetry } from '#uploads/s3/s3-error.ts';

export interface Patience {
  tries: number;
  /** Of one try. */
  tryMs: number;
  /** Of all of them, with the pauses in between. */
  wholeMs: number;
  /** Of the first pause; each is twice as long as the one before, less a random part. */
  pauseMs: number;
}

/**
 * Tries work until it succeeds, fails for good, or time is up; then it rejects with what happened last. The signal ends
 * a try, and is silent once the try has settled: what a try has opened lives on.
 */
export async function persist<T>(patience: Patience, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + patience.wholeMs;
  for (let failed = 1; ; failed += 1) {
    try {
      return await once(Math.min(patience.tryMs, deadlineMs - performance.now()), work);
    } catch (error) {
      const pauseMs = patience.pauseMs * 2 ** (failed - 1) * (0.5 + Math.random() / 2);
      const isOver = failed >= patience.tries || performance.now() + pauseMs >= deadlineMs;
      if (isOver || !canRetry(error)) throw error;
      await sleep(pauseMs);
    }
  }
}

async function once<T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(), Math.max(1, limitMs));
  try {
    return await work(ended.signal);
  } finally {
    clearTimeout(timer);
  }
}
