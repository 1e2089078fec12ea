import type { Platform } from './platform.ts';
import { pauseMsOf, type ClientProblem } from './problem.ts';

export interface CoolDown {
  /** Why nothing is tried at the moment. */
  readonly problem: ClientProblem | undefined;
  /** Nothing is tried until the server's `Retry-After`, or ever longer; then `again` is called, a bounded number of times. */
  begin(problem: ClientProblem, again: () => void): void;
  /** Something changed: what had no answer may be tried at once, what was told to wait may not. */
  wake(): void;
  end(): void;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** After 1, 3, 7 and 15 s, or a fifth later: within the 30 s in which the server repeats an answer that was lost. */
const MAX_TRIES = 4;
const SPREAD = 0.2;

export function openCoolDown({ after, random }: Pick<Platform, 'after' | 'random'>): CoolDown {
  let waiting: { problem: ClientProblem; again: () => void } | undefined;
  let cancel = (): void => undefined;
  let failures = 0;

  function stop(): void {
    cancel();
    waiting = undefined;
  }

  return {
    get problem() {
      return waiting?.problem;
    },
    begin(problem, again) {
      stop();
      failures += 1;
      const ms = pauseMsOf(problem, Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS));
      waiting = { problem, again };
      cancel = after(ms * (1 + SPREAD * random()), () => {
        stop();
        if (failures <= MAX_TRIES) again();
      });
    },
    wake() {
      if (waiting === undefined || waiting.problem.retryAfterSeconds !== undefined) return;
      const { again } = waiting;
      stop();
      failures = 0;
      again();
    },
    end() {
      stop();
      failures = 0;
    },
  };
}
