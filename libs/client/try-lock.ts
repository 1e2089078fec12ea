import type { LockPort } from './platform.ts';

/**
 * Runs `work` under a Web Lock, or without it after `limitMs`: a tab that was frozen holding it must not hold up the others.
 * The lock saves requests; nothing is wrong without it. `work` learns whether nobody else was seen to hold it.
 */
export async function tryLock<T>(
  locks: LockPort | undefined,
  { name, limitMs, after }: { name: string; limitMs: number; after: (ms: number, run: () => void) => () => void },
  work: (isAlone: boolean) => Promise<T>,
): Promise<T> {
  if (locks === undefined) return work(true);
  const waiting = new AbortController();
  let begun: Promise<T> | undefined;
  let isAlone = true;
  const begin = (): Promise<T> => (begun ??= work(isAlone));
  await new Promise<unknown>((resolve) => {
    const cancel = after(limitMs, () => {
      isAlone = false;
      waiting.abort();
      resolve(undefined);
    });
    const locked = locks.request(name, { signal: waiting.signal }, async () => {
      cancel();
      await begin().catch(() => undefined);
    });
    locked.then(resolve, resolve);
  });
  return begin();
}
