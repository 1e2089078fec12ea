import type { Queryable } from '#database/pool.ts';
import type { StoredEvent } from '#webhooks/handler.ts';
import { STILL_OPEN } from '#webhooks/still-open.ts';

/** Handling that failed this often makes an event dead. */
export const MAX_ATTEMPTS = 10;
const LOST = 'its worker ended while it was handled';

/** How long one worker has a claimed event for itself, unless it renews: what a killed one held is taken up after that. */
export const LEASE_SECONDS = 6;
/** Two of three renewals may fail. */
const RENEW_MS = 2_000;

/** What was lost with its worker after so many attempts is no more claimed together with others: it may be what ends the workers. */
const LOSSES_TOGETHER = 2;

/** Of the events of one claim, as they are stored; in memory, where all of them are at once, JSON takes several times as much. */
const MAX_BYTES = 2 * 1024 * 1024;

const CLAIM = `
  with free as (
    select id, leased_until is not null and attempts >= ${LOSSES_TOGETHER} as suspect,
      pg_column_size(data) + pg_column_size(raw) as bytes
    from webhook_event
    where id = any($1::uuid[]) and ${STILL_OPEN} and (leased_until is null or leased_until < now())
    order by id
    for update skip locked
  ), sized as (
    select id, suspect, sum(bytes) over (partition by suspect order by id) - bytes as bytes_before from free
  ), mine as (
    select id from sized where not suspect and bytes_before < ${MAX_BYTES}
    union all
    (select id from free where suspect and not exists (select from free where not suspect) order by id limit 1)
  ), judged as (
    select id, leased_until is not null as lost,
      leased_until is not null and attempts + 1 >= ${MAX_ATTEMPTS} as dead
    from webhook_event join mine using (id)
  )
  update webhook_event
  set attempts = attempts + lost::int,
      last_error = case when lost then '${LOST}' else last_error end,
      state = case when dead then 'dead' else 'open' end,
      closed_at = case when dead then clock_timestamp() end,
      leased_until = case when not dead then now() + make_interval(secs => ${LEASE_SECONDS}) end,
      next_check_at = case when not dead then now() + make_interval(secs => ${LEASE_SECONDS}) end
  from judged where webhook_event.id = judged.id
  returning webhook_event.id, source, event_key as key, type, occurred_at as "occurredAt", created_at as "createdAt",
    subjects, data, raw, receipt_id as "receiptId", correlation_id as "correlationId", replay,
    traceparent,
    array(select handler from webhook_effect as effect
          where effect.event_id = webhook_event.id and effect.replay = webhook_event.replay) as applied,
    dead, (select count(*)::int from free) as free`;

/** An event in this worker's hands, and the handlers that have done their work for it. */
export interface ClaimedEvent extends StoredEvent {
  applied: string[];
}

export interface Claim {
  events: ClaimedEvent[];
  /** Events that were lost in their workers' hands once too often: not to be handled. */
  dead: string[];
  /** Whether some were left for another claim: suspects, which have one each, and what would have been too much at once. */
  more: boolean;
}

interface ClaimedRow extends ClaimedEvent {
  dead: boolean;
  /** Of the given events those that could have been taken. */
  free: number;
}

/**
 * Takes those of the given events that are open and in nobody's hands. One whose lease ran out was lost with its worker, and
 * that counts as an attempt; from the third on it is claimed alone, so that it can take no other with it.
 */
export async function claimEvents(client: Queryable, ids: readonly string[]): Promise<Claim> {
  const { rows } = await client.query<ClaimedRow>({ name: 'events-claim', text: CLAIM, values: [ids] });
  return {
    events: rows
      .filter((row) => !row.dead)
      .map(({ dead: _dead, free: _free, ...event }) => ({
        ...event,
        occurredAt: event.occurredAt ?? undefined,
      })),
    dead: rows.filter((row) => row.dead).map(({ id }) => id),
    more: (rows[0]?.free ?? 0) > rows.length,
  };
}

const RENEW = `
  with held as (
    select id from webhook_event
    where id = any($1::uuid[]) and ${STILL_OPEN} and leased_until > now()
    order by id
    for update skip locked
  )
  update webhook_event
  set leased_until = now() + make_interval(secs => ${LEASE_SECONDS}),
      next_check_at = now() + make_interval(secs => ${LEASE_SECONDS})
  from held where webhook_event.id = held.id`;

/** Keeps the claimed events in this worker's hands until the returned function is called, which waits for the last renewal. */
export function renewEvents(client: Queryable, events: readonly ClaimedEvent[]): () => Promise<void> {
  const ids = events.map(({ id }) => id);
  let renewal: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    // One that fails costs the lease at worst, and the events are taken up elsewhere.
    renewal = client.query({ name: 'events-renew', text: RENEW, values: [ids] }).catch(() => undefined);
  }, RENEW_MS);
  return async () => {
    clearInterval(timer);
    await renewal;
  };
}
