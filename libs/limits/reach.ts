import type { RedisCommands } from '#limits/counter-batches.ts';
import { openSharedCounters, type SharedCounters } from '#limits/shared-counters.ts';

export interface ReachOptions {
  /** How long Redis may take before it counts as away. */
  deadlineMs: number;
  /** What Redis may know of a key. */
  hide: (key: string) => string;
  /** Told when Redis is lost and when it is back. */
  onAway: (isAway: boolean, error?: unknown) => void;
}

/** The counters in Redis, as long as it answers. */
export interface Reach {
  readonly isAway: boolean;
  /** Undefined while Redis is away; from the first question that failed until a probe succeeds none is asked. */
  ask<T>(question: (counters: SharedCounters) => Promise<T>): Promise<T | undefined>;
  [Symbol.dispose](): void;
}

const PROBE_MS = 100;

export function openReach(redis: RedisCommands, { deadlineMs, hide, onAway }: ReachOptions): Reach {
  const counters = openSharedCounters(redis, { deadlineMs, hide });
  let isAway = false;
  let isClosed = false;
  let probe: NodeJS.Timeout | undefined;

  function lose(error: unknown): void {
    if (isAway || isClosed) return;
    isAway = true;
    onAway(true, error);
    probe = setTimeout(look, 0).unref();
  }

  /** Writes, because a Redis that is full answers everything else. */
  function look(): void {
    counters.probe().then(
      () => {
        isAway = false;
        if (!isClosed) onAway(false);
      },
      () => {
        if (!isClosed) probe = setTimeout(look, PROBE_MS).unref();
      },
    );
  }

  return {
    get isAway() {
      return isAway;
    },
    async ask(question) {
      if (isAway) return undefined;
      try {
        if (redis.status !== 'ready') throw new Error('Redis is not connected');
        return await question(counters);
      } catch (error) {
        lose(error);
        return undefined;
      }
    },
    [Symbol.dispose]() {
      isClosed = true;
      clearTimeout(probe);
    },
  };
}
