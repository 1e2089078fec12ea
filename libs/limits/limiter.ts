import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

/** So many points in a window, counted per key. */
export interface Policy {
  name: string;
  points: number;
  windowSeconds: number;
}

export interface Decision {
  allowed: boolean;
  remaining: number;
  /** Seconds until the window of this key ends; rounded up. */
  resetSeconds: number;
}

export interface Limiter {
  /** Takes `cost` points of `key`; a refused key stays refused until its window ends. */
  consume(policy: Policy, key: string, cost?: number): Promise<Decision>;
  /** The state of `key` in this process, without taking anything. */
  peek(policy: Policy, key: string): Promise<Decision>;
}

export interface LimiterOptions {
  /** An ioredis client whose commands have a time-out; counters live in the process without it. */
  redis?: unknown;
}

/** Counts per policy and key, in Redis where there is one; while Redis is away the process's own counters decide. */
export function openLimiter({ redis }: LimiterOptions = {}): Limiter {
  const limiters = new Map<string, RateLimiterAbstract>();

  function limiterOf(policy: Policy): RateLimiterAbstract {
    const known = limiters.get(policy.name);
    if (known !== undefined) return known;
    const options = { keyPrefix: `limit:${policy.name}`, points: policy.points, duration: policy.windowSeconds };
    const memory = new RateLimiterMemory(options);
    const limiter =
      redis === undefined
        ? memory
        : new RateLimiterRedis({
            ...options,
            storeClient: redis,
            insuranceLimiter: memory,
            rejectIfRedisNotReady: true,
          });
    limiters.set(policy.name, limiter);
    return limiter;
  }

  return {
    async consume(policy, key, cost = 1) {
      try {
        return decisionOf(await limiterOf(policy).consume(key, cost), true);
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return decisionOf(refusal, false);
        throw refusal;
      }
    },
    async peek(policy, key) {
      const state = await limiterOf(policy).get(key);
      if (state === null) return { allowed: true, remaining: policy.points, resetSeconds: 0 };
      return decisionOf(state, state.remainingPoints > 0);
    },
  };
}

function decisionOf(state: RateLimiterRes, allowed: boolean): Decision {
  return {
    allowed,
    remaining: Math.max(0, state.remainingPoints),
    resetSeconds: Math.max(1, Math.ceil(state.msBeforeNext / 1_000)),
  };
}
