import { RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { answeredWithin, openCounterBatches, type CounterState, type RedisCommands } from '#limits/counter-batches.ts';
import type { Usage } from '#limits/local-counters.ts';

/** Counters that all processes share. Every call settles within the deadline or rejects. */
export interface SharedCounters {
  add(name: string, key: string, points: number, windowSeconds: number): Promise<Usage>;
  remove(name: string, key: string, points: number, windowSeconds: number): Promise<void>;
  get(name: string, key: string, windowSeconds: number): Promise<Usage | undefined>;
  set(name: string, key: string, used: number, windowSeconds: number): Promise<void>;
}

export interface SharedCountersOptions {
  deadlineMs: number;
  /** What Redis may hold of a key: fixed in length, and no address to whoever reads it. */
  hide: (key: string) => string;
}

/** Never asked to refuse: the points that a caller has depend on more than their number here. */
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** The library's limiter, whose increments go to Redis many at a time. */
class BatchedLimiter extends RateLimiterRedis {
  addToCounter: ((key: string, points: number, windowSeconds: number) => Promise<CounterState>) | undefined;

  /** The library's one way to write. */
  async _upsert(key: string, points: number, windowMs: number, isForced = false): Promise<unknown> {
    if (!isForced && this.addToCounter !== undefined) return this.addToCounter(key, points, windowMs / 1_000);
    const upsert = Object.getPrototypeOf(BatchedLimiter.prototype)._upsert as typeof this._upsert;
    return upsert.call(this, key, points, windowMs, isForced);
  }
}

/** Counters in Redis, by rate-limiter-flexible. */
export function openSharedCounters(redis: RedisCommands, options: SharedCountersOptions): SharedCounters {
  const { deadlineMs, hide } = options;
  const addToCounter = openCounterBatches(redis, { deadlineMs });
  const limiters = new Map<string, BatchedLimiter>();

  function limiterOf(name: string, windowSeconds: number): BatchedLimiter {
    const known = limiters.get(name);
    if (known !== undefined) return known;
    const limiter = new BatchedLimiter({
      storeClient: redis,
      keyPrefix: `limit:${name}`,
      points: UNBOUNDED,
      duration: windowSeconds,
      rejectIfRedisNotReady: true,
    });
    limiter.addToCounter = addToCounter;
    limiters.set(name, limiter);
    return limiter;
  }

  return {
    async add(name, key, points, windowSeconds) {
      return usageOf(await limiterOf(name, windowSeconds).penalty(hide(key), points));
    },
    async remove(name, key, points, windowSeconds) {
      await limiterOf(name, windowSeconds).reward(hide(key), points);
    },
    async get(name, key, windowSeconds) {
      const state = await answeredWithin(deadlineMs, limiterOf(name, windowSeconds).get(hide(key)));
      return state === null ? undefined : usageOf(state);
    },
    async set(name, key, used, windowSeconds) {
      await answeredWithin(deadlineMs, limiterOf(name, windowSeconds).set(hide(key), used, windowSeconds));
    },
  };
}

function usageOf({ consumedPoints, msBeforeNext }: RateLimiterRes): Usage {
  return { used: consumedPoints, remainingMs: msBeforeNext };
}
