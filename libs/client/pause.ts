import type { Platform } from './platform.ts';

/** Waits; rejects with the signal's reason when it is aborted. A waiting Node process stays alive. */
export function pause(platform: Pick<Platform, 'sleep'>, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = platform.sleep(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
