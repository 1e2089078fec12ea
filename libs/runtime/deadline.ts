import { Failure, type FailureCode } from '#runtime/failure.ts';

/**
 * Settles like `work`, or rejects with a Failure of `code` after `limitMs`. The work itself is not stopped: give it a
 * signal of its own where it can be.
 */
export async function within<T>(limitMs: number, work: Promise<T>, code: FailureCode): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failure(code, { detail: `no answer within ${limitMs} ms` })), limitMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** Resolves to true if `work` settled in time, and never rejects. */
export async function settledWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return inTime;
}
