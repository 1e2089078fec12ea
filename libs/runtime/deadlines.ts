import { Failure, type FailureCode } from '#runtime/failure.ts';

export interface Deadlines {
  /** Calls `onLate` once the limit has passed, unless the returned function is called before. */
  add(onLate: () => void): () => void;
  /** Settles like `work`, or rejects with a Failure of `code` once the limit has passed. The work itself goes on. */
  within<T>(work: Promise<T>, code: FailureCode): Promise<T>;
}

interface Deadline {
  at: number;
  onLate: () => void;
}

/**
 * Deadlines of one length, watched by one timer: for hot paths, where a timer for each piece of work costs more than
 * watching over it is worth.
 */
export function openDeadlines(limitMs: number): Deadlines {
  // In the order of their ends, because they are all of one length.
  const pending = new Set<Deadline>();
  let timer: NodeJS.Timeout | undefined;

  function watch(): void {
    const [first] = pending;
    timer = first === undefined ? undefined : setTimeout(expire, Math.max(1, first.at - performance.now()));
    timer?.unref();
  }

  function expire(): void {
    const now = performance.now();
    for (const deadline of pending) {
      if (deadline.at > now) break;
      pending.delete(deadline);
      deadline.onLate();
    }
    watch();
  }

  function add(onLate: () => void): () => void {
    const deadline = { at: performance.now() + limitMs, onLate };
    pending.add(deadline);
    if (timer === undefined) watch();
    return () => pending.delete(deadline);
  }

  return {
    add,
    within(work, code) {
      return new Promise((resolve, reject) => {
        const settled = add(() => reject(new Failure(code, { detail: `no answer within ${limitMs} ms` })));
        const settle =
          <V>(how: (value: V) => void) =>
          (value: V): void => {
            settled();
            how(value);
          };
        work.then(settle(resolve), settle(reject));
      });
    },
  };
}
