/** Stops asking a peer that keeps failing, and asks again after a pause that grows. */
export interface Breaker {
  /** Seconds until the peer may be asked again; 0 if it may be asked now. */
  waitSeconds(): number;
  succeeded(): void;
  failed(): void;
}

export interface BreakerOptions {
  /** Failures in a row that open it. */
  threshold: number;
  firstPauseMs: number;
  maxPauseMs: number;
  now?: () => number;
}

/** After each pause one failure is enough to open it again, for twice as long. */
export function openBreaker({ threshold, firstPauseMs, maxPauseMs, now = Date.now }: BreakerOptions): Breaker {
  let failures = 0;
  let openings = 0;
  let closedUntilMs = 0;
  return {
    waitSeconds: () => Math.max(0, Math.ceil((closedUntilMs - now()) / 1_000)),
    succeeded() {
      failures = 0;
      openings = 0;
      closedUntilMs = 0;
    },
    failed() {
      failures += 1;
      if (failures < threshold || now() < closedUntilMs) return;
      closedUntilMs = now() + Math.min(maxPauseMs, firstPauseMs * 2 ** openings);
      openings += 1;
    },
  };
}
