/** How many of the latest sign-ins failed, all accounts and addresses together. */
export interface FailureRatio {
  attempted(): void;
  succeeded(): void;
  /** An attempt at which nobody had the time to look: it counts neither way. */
  withdrawn(): void;
  /** Whether so many fail that somebody must be trying passwords from many places. */
  isHigh(): boolean;
}

export interface FailureRatioOptions {
  /** Monotonic milliseconds. */
  now?: () => number;
  /** Told once when it turns high. */
  onHigh?: (counts: { attempts: number; failures: number }) => void;
}

const SLICE_MS = 10_000;
const SLICES = 30;
/** High from this many failures and this ratio on, until the ratio or the number falls under half of it. */
const MIN_FAILURES = 100;
const HIGH_RATIO = 0.8;
const CALM_RATIO = 0.5;

/**
 * Over the last five minutes of this process: behind a balancer each process sees a fair sample. Attempts count as failures
 * until they succeed.
 */
export function openFailureRatio({
  now = () => performance.now(),
  onHigh = () => undefined,
}: FailureRatioOptions = {}): FailureRatio {
  const slices = Array.from({ length: SLICES }, () => ({ number: -1, attempts: 0, successes: 0 }));
  let wasHigh = false;

  function slice(): { attempts: number; successes: number } {
    const number = Math.floor(now() / SLICE_MS);
    const current = slices[number % SLICES] as (typeof slices)[number];
    if (current.number !== number) Object.assign(current, { number, attempts: 0, successes: 0 });
    return current;
  }

  function judge(): boolean {
    const oldest = Math.floor(now() / SLICE_MS) - SLICES;
    const live = slices.filter(({ number }) => number > oldest);
    const attempts = live.reduce((sum, one) => sum + one.attempts, 0);
    const failures = attempts - live.reduce((sum, one) => sum + one.successes, 0);
    const ratio = attempts === 0 ? 0 : failures / attempts;
    const isHigh = wasHigh
      ? failures >= MIN_FAILURES / 2 && ratio >= CALM_RATIO
      : failures >= MIN_FAILURES && ratio >= HIGH_RATIO;
    if (isHigh && !wasHigh) onHigh({ attempts, failures });
    wasHigh = isHigh;
    return isHigh;
  }

  return {
    attempted() {
      slice().attempts += 1;
    },
    succeeded() {
      slice().successes += 1;
    },
    withdrawn() {
      slice().attempts -= 1;
    },
    isHigh: judge,
  };
}
