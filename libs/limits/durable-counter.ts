import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '#database/pool.ts';
import { limitFailure } from '#limits/limit-failure.ts';

export interface DurablePolicy {
  /** Part of the key, so that policies never share a counter. */
  name: string;
  points: number;
  windowSeconds: number;
}

export interface ConsumedPoint {
  /** Points that are left in the window. */
  readonly left: number;
  /** Gives back exactly this point; a point of a later window is never touched. */
  refund(client: Queryable): Promise<void>;
}

// clock_timestamp(), because now() is from before the wait for the row.
const CONSUME = `
  insert into limiter_counter as c (key, points, expires_at)
  values ($1, 1, clock_timestamp() + make_interval(secs => $3))
  on conflict (key) do update set
    points = case when c.expires_at <= clock_timestamp() then 1 else c.points + 1 end,
    expires_at = case when c.expires_at <= clock_timestamp() then excluded.expires_at else c.expires_at end
  where c.points < $2 or c.expires_at <= clock_timestamp()
  returning points, expires_at::text as window_end`;

const REMAINING = `
  select extract(epoch from expires_at - clock_timestamp())::float8 as seconds
  from limiter_counter
  where key = $1`;

const REFUND = `
  update limiter_counter set points = points - 1
  where key = $1 and expires_at = $2::timestamptz and points > 0`;

/**
 * Takes one point of `key` in PostgreSQL, atomically and before anything else is done; the window begins with its first
 * point. What is refused takes no point.
 * @throws Failure `limit-exceeded` with the seconds until the window ends.
 */
export async function consumeDurable(pool: Queryable, policy: DurablePolicy, key: string): Promise<ConsumedPoint> {
  const counter = `${policy.name}:${key}`;
  const { rows } = await pool.query<{ points: number; window_end: string }>({
    name: 'limiter-consume',
    text: CONSUME,
    values: [counter, policy.points, policy.windowSeconds],
  });
  const taken = rows[0];
  if (taken === undefined) {
    const remaining = await pool.query<{ seconds: number }>(REMAINING, [counter]);
    const resetSeconds = Math.max(1, Math.ceil(remaining.rows[0]?.seconds ?? 1));
    throw limitFailure(policy, resetSeconds);
  }
  return {
    left: policy.points - taken.points,
    refund: async (client) => {
      await client.query(REFUND, [counter, taken.window_end]);
    },
  };
}

const SWEEP = `
  with due as (
    select key from limiter_counter where expires_at < now() order by expires_at limit $1 for update skip locked
  )
  delete from limiter_counter c using due d where c.key = d.key`;

const BATCH_ROWS = 500;
const REST_MS = 20;

/** Removes counters whose window is over, in small batches. Their rows mean nothing any more: a sweep is never needed. */
export async function sweepDurableCounters(pool: Queryable, signal: AbortSignal): Promise<number> {
  let total = 0;
  let removed = BATCH_ROWS;
  while (removed === BATCH_ROWS && !signal.aborted) {
    removed = (await pool.query(SWEEP, [BATCH_ROWS])).rowCount ?? 0;
    total += removed;
    await sleep(REST_MS);
  }
  return total;
}
