import { RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { answeredWithin, openCounterBatches, type CounterState, type RedisCommands } from '#limits/counter-batches.ts';
import type { Usage } from '#limits/local-counters.ts';

/** Counters that all processes share. Every call settles within the deadline or rejects. */
export interface SharedCounters {
  add(name: string, key: string, points: number, windowSeconds: number): Promise<Usage>;
  remove(name: string, key: string, points: number, windowSeconds: number): Promise<void>;
  get(name: string, key: string, windowSeconds: number): Promise<Usage | undefined>;
  set(name: string, key: string, used: number, windowSeconds: number): Promise<void>;
  /** Resolves if every part of Redis can be written to. */
  probe(): Promise<void>;
}

export interface SharedCountersOptions {
  deadlineMs: number;
  /** What Redis may hold of a key: fixed in length, and no address to whoever reads it. */
  hide: (key: string) => string;
}

/** In a cluster keys go together only within a slot, so they are given so many of them: few for the batches, many for the servers. */
const CLUSTER_GROUPS = 16;
const PROBE_SECONDS = 1;
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
  const groups = Array.from({ length: redis.isCluster === true ? CLUSTER_GROUPS : 1 }, () =>
    openCounterBatches(redis, { deadlineMs }),
  );
  const addToCounter = (key: string, points: number, windowSeconds: number): Promise<CounterState> => {
    const add = groups[groups.length === 1 ? 0 : groupOf(key)];
    if (add === undefined) throw new RangeError('a counter of no group');
    return add(key, points, windowSeconds);
  };
  const placeOf = (key: string): string => {
    const hidden = hide(key);
    return groups.length === 1 ? hidden : `{${lastCodeOf(hidden) % groups.length}}${hidden}`;
  };
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
      return usageOf(await limiterOf(name, windowSeconds).penalty(placeOf(key), points));
    },
    async remove(name, key, points, windowSeconds) {
      await limiterOf(name, windowSeconds).reward(placeOf(key), points);
    },
    async get(name, key, windowSeconds) {
      const state = await answeredWithin(deadlineMs, limiterOf(name, windowSeconds).get(placeOf(key)));
      return state === null ? undefined : usageOf(state);
    },
    async set(name, key, used, windowSeconds) {
      await answeredWithin(deadlineMs, limiterOf(name, windowSeconds).set(placeOf(key), used, windowSeconds));
    },
    async probe() {
      await Promise.all(groups.map((add, group) => add(`limit:probe:{${group}}`, 1, PROBE_SECONDS)));
    },
  };
}

function usageOf({ consumedPoints, msBeforeNext }: RateLimiterRes): Usage {
  return { used: consumedPoints, remainingMs: msBeforeNext };
}

/** Redis takes what is in braces for all of the key when it chooses its slot. */
function groupOf(key: string): number {
  return Number(/\{(\d+)\}/.exec(key)?.[1] ?? 0);
}

function lastCodeOf(text: string): number {
  return text === '' ? 0 : text.charCodeAt(text.length - 1);
}
