import { Failure } from '#runtime/failure.ts';

export interface HashGate {
  /** Runs `work` when a permit is free. The permit is held until the work is over, whoever has stopped waiting for it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  readonly running: number;
  readonly waiting: number;
}

/**
 * At most `permits` hashes at once, and at most `maxWaiting` that wait.
 * @throws Failure `sign-in-busy` past that.
 */
export function openHashGate({ permits, maxWaiting }: { permits: number; maxWaiting: number }): HashGate {
  const queue: (() => void)[] = [];
  let running = 0;

  async function enter(): Promise<void> {
    if (running < permits) {
      running += 1;
      return;
    }
    if (queue.length >= maxWaiting) throw new Failure('sign-in-busy', { retryAfterSeconds: 5 });
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  function leave(): void {
    const next = queue.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return queue.length;
    },
    async run(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
