import type { Pool } from '#database/pool.ts';

const P99 = `
  select percentile_disc(0.99) within group (order by
      1000 * extract(epoch from coalesce(effect.applied_at, now()) - coalesce(log.received_at, event.created_at)))::float8 as ms
  from webhook_event as event
  left join webhook_log as log on log.id = event.receipt_id
  left join webhook_effect as effect on effect.event_id = event.id
  where event.created_at >= $1 and event.created_at < $2 and event.raw::text not like '%poison-that-%'`;

/** The p99 of the time from arrival to effect of what arrived in between, in ms; poison left out. */
export async function effectP99(pool: Pool, from: Date, until: Date): Promise<number> {
  const { rows } = await pool.query<{ ms: number | null }>(P99, [from, until]);
  return rows[0]?.ms ?? 0;
}
