/** Waits until the signal at the longest, and rejects with its reason then; what is waited for goes on. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    void work.then(resolve, reject).then(() => signal?.removeEventListener('abort', stop));
  });
}
