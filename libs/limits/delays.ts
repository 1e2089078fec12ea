import type { Limiter, Policy } from '#limits/limiter.ts';

export interface DelayRules {
  name: string;
  /** Failures that cost nothing. */
  free: number;
  baseSeconds: number;
  capSeconds: number;
  /** How long failures are remembered, from the first of them on. */
  memorySeconds: number;
}

/** A time before which nothing is looked at, for each key: it grows with its failures. Nobody is made to wait on a socket. */
export interface Delays {
  /** Seconds until the key may try again; 0 if it may now. */
  waitSeconds(key: string): Promise<number>;
  failed(key: string): Promise<void>;
}

/** The n-th failure beyond the free ones delays by `base × 2^(n-1)` seconds, at most by the cap. */
export function openDelays(limiter: Limiter, rules: DelayRules): Delays {
  const { name, free, baseSeconds, capSeconds, memorySeconds } = rules;
  // Strict because the count itself is used: points that are taken in advance would be failures that nobody made.
  const failures: Policy = {
    name: `${name}-failures`,
    points: Number.MAX_SAFE_INTEGER,
    windowSeconds: memorySeconds,
    isStrict: true,
  };
  const waits: Policy = { name, points: 1, windowSeconds: capSeconds };
  return {
    async waitSeconds(key) {
      const { allowed, resetSeconds } = await limiter.peek(waits, key);
      return allowed ? 0 : resetSeconds;
    },
    async failed(key) {
      const { used } = await limiter.consume(failures, key);
      const beyond = used - free;
      if (beyond <= 0) return;
      await limiter.block(waits, key, Math.min(capSeconds, baseSeconds * 2 ** (beyond - 1)));
    },
  };
}
