/** Wakes those who wait for an upload to change. */
export interface UploadChanges {
  /**
   * True at the next change of the upload, or when one may have been missed: read the row again. False at `limitMs`,
   * when `signal` aborts, when this is closed, or at once if too many wait already. It never rejects.
   */
  next(uploadId: string, waiterId: string, limitMs: number, signal: AbortSignal): Promise<boolean>;
  readonly waiting: number;
  /** Someone else's notification: the id of an upload. */
  tell(uploadId: string): void;
  tellAll(): void;
  /** Answers everyone who waits, and everyone who would. */
  close(): void;
}

const MAX_WAITERS_OF_ONE = 100;
const MAX_WAITERS = 10_000;

export function openUploadChanges(): UploadChanges {
  const waiters = new Map<string, Set<(changed: boolean) => void>>();
  const ofUser = new Map<string, number>();
  let waiting = 0;
  let isClosed = false;

  function wake(uploadId: string, changed = true): void {
    for (const settle of waiters.get(uploadId) ?? []) settle(changed);
  }

  return {
    get waiting() {
      return waiting;
    },
    next(uploadId, waiterId, limitMs, signal) {
      const mine = ofUser.get(waiterId) ?? 0;
      if (isClosed || signal.aborted || mine >= MAX_WAITERS_OF_ONE || waiting >= MAX_WAITERS) {
        return Promise.resolve(false);
      }
      return new Promise((resolve) => {
        const others = waiters.get(uploadId) ?? new Set();
        waiters.set(uploadId, others);
        const settle = (changed: boolean): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
          if (!others.delete(settle)) return;
          if (others.size === 0) waiters.delete(uploadId);
          const left = (ofUser.get(waiterId) ?? 1) - 1;
          if (left === 0) ofUser.delete(waiterId);
          else ofUser.set(waiterId, left);
          waiting -= 1;
          resolve(changed);
        };
        const onAbort = (): void => settle(false);
        const timer = setTimeout(onAbort, limitMs);
        signal.addEventListener('abort', onAbort);
        others.add(settle);
        ofUser.set(waiterId, mine + 1);
        waiting += 1;
      });
    },
    tell: (uploadId) => wake(uploadId),
    tellAll() {
      for (const uploadId of waiters.keys()) wake(uploadId);
    },
    close() {
      isClosed = true;
      for (const uploadId of waiters.keys()) wake(uploadId, false);
    },
  };
}
