import { openBatcher } from '#runtime/batcher.ts';

/** The part of an ioredis client that is used. */
export interface RedisCommands {
  readonly status: string;
  /** Only keys of one slot may be used together. */
  readonly isCluster?: boolean;
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void;
}

interface Added {
  key: string;
  points: number;
  windowSeconds: number;
  addedAtMs: number;
}

/** Points used and milliseconds left, as rate-limiter-flexible reads them. */
export type CounterState = [used: number, remainingMs: number];

const MAX_KEYS = 256;
const MAX_WAITING = 20_000;
/** Counted in keys. */
const ONE = 1;

/**
 * A window begins with its first point. Points are taken back only from a counter that is there and has them: otherwise a
 * flushed Redis would turn a refund into a gift.
 */
const ADD = `
  local states = {}
  for place, key in ipairs(KEYS) do
    local points = tonumber(ARGV[2 * place - 1])
    local seconds = tonumber(ARGV[2 * place])
    local used, ttl = 0, 0
    if points < 0 then points = -math.min(-points, tonumber(redis.call('get', key) or '0')) end
    if points ~= 0 then
      used = redis.call('incrby', key, points)
      if used == points then ttl = -1 else ttl = redis.call('pttl', key) end
      if ttl == -1 then
        redis.call('expire', key, seconds)
        ttl = 1000 * seconds
      end
    end
    states[2 * place - 1] = used
    states[2 * place] = ttl
  end
  return states`;

/**
 * Counters that are asked for while others are on their way go together: one command for many keys costs little more than
 * one for a single key. No answer takes longer than the deadline, counted from the asking.
 */
export function openCounterBatches(
  redis: RedisCommands,
  { deadlineMs, now = () => performance.now() }: { deadlineMs: number; now?: () => number },
): (key: string, points: number, windowSeconds: number) => Promise<CounterState> {
  redis.defineCommand('addToCounters', { lua: ADD });
  const client = redis as RedisCommands & { addToCounters(...args: (string | number)[]): Promise<number[]> };

  async function write(batch: readonly Added[]): Promise<CounterState[]> {
    if (client.status !== 'ready') throw new Error('Redis is not connected');
    const oldestMs = batch[0]?.addedAtMs ?? now();
    const keys = batch.map(({ key }) => key);
    const values = batch.flatMap(({ points, windowSeconds }) => [points, windowSeconds]);
    const leftMs = Math.max(0, oldestMs + deadlineMs - now());
    const states = await answeredWithin(leftMs, client.addToCounters(keys.length, ...keys, ...values));
    return batch.map((_, place) => [states[2 * place] ?? 0, states[2 * place + 1] ?? 0]);
  }

  const batcher = openBatcher<Added, CounterState>({
    write,
    isItemFault: () => false,
    bytesOf: () => ONE,
    maxRows: MAX_KEYS,
    maxBatchBytes: MAX_KEYS,
    maxInFlight: 2,
    maxWaitingRows: MAX_WAITING,
    maxWaitingBytes: MAX_WAITING,
    maxAgeMs: deadlineMs,
    full: 'capacity-reduced',
    now,
  });
  return (key, points, windowSeconds) => batcher.add({ key, points, windowSeconds, addedAtMs: now() });
}

/** Like `work`, or an error after the limit. An answer that a busy event loop has only not yet read is still taken. */
export function answeredWithin<T>(limitMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      setImmediate(() => reject(new Error('Redis took longer than a decision may wait')));
    }, limitMs);
    const settle =
      <V>(how: (value: V) => void) =>
      (value: V): void => {
        clearTimeout(timer);
        how(value);
      };
    work.then(settle(resolve), settle(reject));
  });
}
