/** Wakes those who wait for an upload to change. */
export interface UploadChanges {
  /**
   * Resolves at the next change of the upload, at `limitMs`, when `signal` aborts, when notifications may have been
   * missed, or at once if the user waits too often already. It never rejects; the caller reads the row again.
   */
  next(uploadId: string, waiterId: string, limitMs: number, signal: AbortSignal): Promise<void>;
  readonly waiting: number;
  /** Someone else's notification: the id of an upload. */
  tell(uploadId: string): void;
  tellAll(): void;
  /** Answers everyone who waits, and everyone who would. */
  close(): void;
}

const MAX_WAITERS_OF_ONE = 32;
const MAX_WAITERS = 10_000;

export function openUploadChanges(): UploadChanges {
  const waiters = new Map<string, Set<() => void>>();
  const ofUser = new Map<string, number>();
  let waiting = 0;
  let isClosed = false;

  function wake(uploadId: string): void {
    for (const resolve of waiters.get(uploadId) ?? []) resolve();
  }

  return {
    get waiting() {
      return waiting;
    },
    next(uploadId, waiterId, limitMs, signal) {
      const mine = ofUser.get(waiterId) ?? 0;
      if (isClosed || signal.aborted || mine >= MAX_WAITERS_OF_ONE || waiting >= MAX_WAITERS) return Promise.resolve();
      return new Promise((resolve) => {
        const others = waiters.get(uploadId) ?? new Set();
        waiters.set(uploadId, others);
        const settle = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', settle);
          if (!others.delete(settle)) return;
          if (others.size === 0) waiters.delete(uploadId);
          const left = (ofUser.get(waiterId) ?? 1) - 1;
          if (left === 0) ofUser.delete(waiterId);
          else ofUser.set(waiterId, left);
          waiting -= 1;
          resolve();
        };
        const timer = setTimeout(settle, limitMs);
        signal.addEventListener('abort', settle);
        others.add(settle);
        ofUser.set(waiterId, mine + 1);
        waiting += 1;
      });
    },
    tell: wake,
    tellAll() {
      for (const uploadId of [...waiters.keys()]) wake(uploadId);
    },
    close() {
      isClosed = true;
      for (const uploadId of [...waiters.keys()]) wake(uploadId);
    },
  };
}
