import type { Platform } from './platform.ts';
import { unreachable } from './problem.ts';
import type { RefreshOutcome } from './refresh-answer.ts';

export interface Asking {
  after: Platform['after'];
  /** Asks the server once. Rejects where there is no answer. */
  ask: (signal: AbortSignal) => Promise<RefreshOutcome>;
  /** Ends every request; used here too, once nothing is waited for. */
  abort: AbortController;
  /** Whether the server is sure to answer a repeat as it answers the first. */
  mayRepeat: () => boolean;
  /** Whether somebody else's answer has made this one needless. */
  isReplaced: () => boolean;
}

const LOOK_MS = 5_000;
/** So many looks without an answer, and it is given up: a minute. */
const MAX_LOOKS = 12;

/**
 * Asks, and after each 5 s without an answer once more, giving none of the requests up: the first that is answered counts.
 * @returns `delayed` once every request has failed, or after a minute; undefined if the answer has become needless
 */
export function askUntilAnswered(asking: Asking): Promise<RefreshOutcome | undefined> {
  const { after, ask, abort, mayRepeat, isReplaced } = asking;
  const { signal } = abort;
  return new Promise((resolve) => {
    let underWay = 0;
    let looks = 0;
    let isToldToWait = false;
    let cancel = after(LOOK_MS, look);

    function settle(outcome?: RefreshOutcome): void {
      cancel();
      resolve(outcome);
      abort.abort();
    }
    function failed(error: unknown): RefreshOutcome {
      return { kind: 'delayed', problem: unreachable(error) };
    }
    async function send(): Promise<void> {
      underWay += 1;
      const outcome = await ask(signal).catch(failed);
      underWay -= 1;
      if (outcome.kind !== 'delayed' || underWay === 0) settle(outcome);
      else isToldToWait ||= outcome.problem.retryAfterSeconds !== undefined;
    }
    function look(): void {
      looks += 1;
      if (isReplaced()) return settle();
      if (signal.aborted || looks === MAX_LOOKS) return settle(failed(signal.reason));
      cancel = after(LOOK_MS, look);
      if (!isToldToWait && mayRepeat()) void send();
    }
    void send();
  });
}
