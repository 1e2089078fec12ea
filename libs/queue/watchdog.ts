export interface WatchdogOptions {
  /** Jobs that could be taken now. May reject: a store that is away proves nothing against the worker. */
  backlog: () => Promise<number>;
  /** When the worker last got an answer from the store or ended a job, in ms since the epoch. */
  lastProgressMs: () => number;
  /** Whether taking nothing is right: paused, or all hands full. */
  isExcused: () => boolean;
  onStuck: () => void;
  limitMs: number;
  now: () => number;
}

export interface Watchdog {
  /** To be called again and again; a call during another one does nothing. */
  tick(): Promise<void>;
}

/**
 * Calls `onStuck` when jobs have waited for `limitMs` and the worker has done nothing all that time. A worker can lose
 * its connection without an error and claim to be running, so only progress counts.
 */
export function openWatchdog(options: WatchdogOptions): Watchdog {
  let waitingSinceMs: number | undefined;
  let progressSeenMs = options.lastProgressMs();
  let ticking = false;

  return {
    async tick() {
      if (ticking) return;
      ticking = true;
      await look();
      ticking = false;
    },
  };

  async function look(): Promise<void> {
    const progressMs = options.lastProgressMs();
    const moved = progressMs !== progressSeenMs;
    progressSeenMs = progressMs;
    if (moved || options.isExcused() || !(await hasBacklog())) {
      waitingSinceMs = undefined;
      return;
    }
    waitingSinceMs ??= options.now();
    if (options.now() - waitingSinceMs < options.limitMs) return;
    waitingSinceMs = undefined;
    options.onStuck();
  }

  async function hasBacklog(): Promise<boolean> {
    try {
      return (await options.backlog()) > 0;
    } catch {
      return false;
    }
  }
}
