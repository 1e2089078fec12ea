import type { z } from 'zod';

export interface Backoff {
  type: 'fixed' | 'exponential';
  delayMs: number;
}

/** A job that the queue makes by itself at the times of a cron pattern (UTC). */
export interface Schedule<Data> {
  id: string;
  /** Cron with seconds, such as `*\/30 * * * * *`. */
  pattern: string;
  data: Data;
}

/** One queue, one payload, one way to try again. Payloads hold ids only, never bodies or secrets. */
export interface QueueContract<Name extends string = string, Data = unknown> {
  readonly name: Name;
  readonly data: z.ZodType<Data>;
  readonly attempts: number;
  readonly backoff: Backoff;
  /** How long one try may take: then its signal is aborted, and soon after it is given up. Ten minutes if not said. */
  readonly limitMs: number;
  readonly schedules: readonly Schedule<Data>[];
}

const DEFAULT_LIMIT_MS = 600_000;

export function defineQueue<const Name extends string, Data>(contract: {
  name: Name;
  data: z.ZodType<Data>;
  attempts: number;
  backoff: Backoff;
  limitMs?: number;
  schedules?: readonly Schedule<NoInfer<Data>>[];
}): QueueContract<Name, Data> {
  return { schedules: [], limitMs: DEFAULT_LIMIT_MS, ...contract };
}
