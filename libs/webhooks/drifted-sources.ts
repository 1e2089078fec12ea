import type { Queryable } from '#database/pool.ts';

const WINDOW_MINUTES = 30;
/** Fewer wrong signatures are anybody's noise. */
const MIN_REFUSED = 5;

const DRIFTED = `
  select refused.source, refused.count
  from (
    select source, count(*) from webhook_log
    where verdict in ('refused:signature-mismatch', 'refused:token-mismatch')
      and received_at > now() - make_interval(mins => ${WINDOW_MINUTES})
    group by source having count(*) >= ${MIN_REFUSED}
  ) as refused
  where not exists (
    select from webhook_log l
    where l.source = refused.source and l.verdict = 'accepted'
      and l.received_at > now() - make_interval(mins => ${WINDOW_MINUTES}))
  order by refused.source`;

/** Sources from which everything was refused lately: somebody has changed a secret on one side only. */
export async function driftedSources(client: Queryable): Promise<{ source: string; count: number }[]> {
  return (await client.query<{ source: string; count: number }>(DRIFTED)).rows;
}
