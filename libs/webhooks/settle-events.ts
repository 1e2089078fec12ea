import { inTransaction, type Pool } from '#database/pool.ts';
import { MAX_ATTEMPTS } from '#webhooks/claim-events.ts';
import { storable } from '#webhooks/parse-json.ts';
import { STILL_OPEN } from '#webhooks/still-open.ts';

/** How one event's handling ended. */
export type EventOutcome =
  | { end: 'done' }
  /** Something we stand on is away: no attempt is spent. */
  | { end: 'later'; waitSeconds: number }
  | { end: 'failed'; reason: string }
  | { end: 'dead'; reason: string };

export interface SettledEvent {
  id: string;
  replay: number;
  /** Handlers whose work outside was done in this run. */
  applied: readonly string[];
  outcome: EventOutcome;
}

const REASON_CHARACTERS = 500;

const SETTLE = `
  with settled as (
    select * from unnest($1::uuid[], $2::int[], $3::text[], $4::float8[], $5::text[]) as given (id, replay, ended, wait, reason)
  ), judged as (
    select webhook_event.id, given.wait, given.reason,
      attempts + case when ended = 'failed' then 1 else 0 end as attempts,
      case when ended = 'failed' and attempts + 1 >= ${MAX_ATTEMPTS} then 'dead' else ended end as ended
    from webhook_event join settled as given on given.id = webhook_event.id and given.replay = webhook_event.replay
    where ${STILL_OPEN} order by webhook_event.id for update of webhook_event
  )
  update webhook_event
  set state = case ended when 'done' then 'done' when 'dead' then 'dead' else 'open' end,
      attempts = judged.attempts,
      last_error = judged.reason,
      leased_until = null,
      closed_at = case when ended in ('done', 'dead') then clock_timestamp() end,
      next_check_at = case ended
        when 'later' then now() + make_interval(secs => judged.wait)
        when 'failed' then now() + make_interval(secs =>
          least(86400, 5 * power(4, judged.attempts - 1)) * (0.75 + random() / 2)) end
  from judged where webhook_event.id = judged.id
  returning webhook_event.id, webhook_event.state`;

/** Writes down how events ended, many in one transaction. @returns the ids of those that are dead now */
export async function settleEvents(pool: Pool, settled: readonly SettledEvent[]): Promise<string[]> {
  if (settled.length === 0) return [];
  const effects = settled.flatMap(({ id, replay, applied }) => applied.map((handler) => ({ id, replay, handler })));
  const sorted = settled.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return inTransaction(pool, async (client) => {
    if (effects.length > 0) {
      await client.query({
        name: 'effects-insert',
        text: `
          insert into webhook_effect (event_id, handler, replay)
          select * from unnest($1::uuid[], $2::text[], $3::int[]) order by 1, 2 on conflict do nothing`,
        values: [
          effects.map(({ id }) => id),
          effects.map(({ handler }) => handler),
          effects.map(({ replay }) => replay),
        ],
      });
    }
    const { rows } = await client.query<{ id: string; state: string }>({
      name: 'events-settle',
      text: SETTLE,
      values: [
        sorted.map(({ id }) => id),
        sorted.map(({ replay }) => replay),
        sorted.map(({ outcome }) => outcome.end),
        sorted.map(({ outcome }) => (outcome.end === 'later' ? outcome.waitSeconds : 0)),
        sorted.map(({ outcome }) =>
          'reason' in outcome ? storable(outcome.reason.slice(0, REASON_CHARACTERS)) : null,
        ),
      ],
    });
    return rows.filter(({ state }) => state === 'dead').map(({ id }) => id);
  });
}
