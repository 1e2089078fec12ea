import type { LockPort } from './platform.ts';

/**
 * Runs `work` under a Web Lock, or without it after `limitMs`: a tab that was frozen holding it must not hold up the others.
 * The lock saves requests; nothing is wrong without it.
 */
export async function tryLock<T>(
  locks: LockPort | undefined,
  { name, limitMs, after }: { name: string; limitMs: number; after: (ms: number, run: () => void) => () => void },
  work: () => Promise<T>,
): Promise<T> {
  if (locks === undefined) return work();
  const waiting = new AbortController();
  let begun: Promise<T> | undefined;
  const begin = (): Promise<T> => (begun ??= work());
  const heldOrGivenUp = new Promise<void>((resolve) => {
    const cancel = after(limitMs, () => {
      waiting.abort();
      resolve();
    });
    const locked = locks.request(name, { signal: waiting.signal }, async () => {
      cancel();
      await begin().catch(() => undefined);
    });
    locked.then(
      () => resolve(),
      () => resolve(),
    );
  });
  await heldOrGivenUp;
  return begin();
}
