import { Failure } from '#runtime/failure.ts';

export interface HashGate {
  /** Runs `work` when a permit is free. The permit is held until the work is over, whoever has stopped waiting for it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  readonly running: number;
  readonly waiting: number;
}

export interface HashGateOptions {
  /** How many may run at once. */
  permits: number;
  /** How many of them once some have to wait, so that a flood leaves the rest of the machine to others; all by default. */
  permitsInCrowd?: number;
  maxWaiting: number;
}

/**
 * Bounds how many hashes run at once, and how many wait.
 * @throws Failure `sign-in-busy` past that.
 */
export function openHashGate({ permits, permitsInCrowd = permits, maxWaiting }: HashGateOptions): HashGate {
  const queue: (() => void)[] = [];
  let running = 0;

  async function enter(): Promise<void> {
    if (running < permits && queue.length === 0) {
      running += 1;
      return;
    }
    if (queue.length >= maxWaiting) throw new Failure('sign-in-busy', { retryAfterSeconds: 5 });
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  function leave(): void {
    running -= 1;
    if (running >= permitsInCrowd) return;
    const next = queue.shift();
    if (next === undefined) return;
    running += 1;
    next();
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
