import type { Queryable } from '#database/pool.ts';
import type { StoredEvent } from '#webhooks/handler.ts';

/** How long one worker has a claimed event for itself, unless it renews: what a killed one held is taken up after that. */
export const LEASE_SECONDS = 6;
/** Two of three renewals may fail. */
const RENEW_MS = 2_000;

const CLAIM = `
  with mine as (
    select id from webhook_event
    where id = any($1::uuid[]) and state = 'open' and (leased_until is null or leased_until < now())
    order by id
    for update skip locked
  )
  update webhook_event
  set leased_until = now() + make_interval(secs => ${LEASE_SECONDS}),
      next_check_at = now() + make_interval(secs => ${LEASE_SECONDS})
  from mine where webhook_event.id = mine.id
  returning webhook_event.id, source, event_key as key, type, occurred_at as "occurredAt", created_at as "createdAt",
    subjects, data, raw, receipt_id as "receiptId", correlation_id as "correlationId", replay,
    (select traceparent from webhook_log where webhook_log.id = webhook_event.receipt_id) as traceparent,
    array(select handler from webhook_effect as effect
          where effect.event_id = webhook_event.id and effect.replay = webhook_event.replay) as applied`;

/** An event in this worker's hands, and the handlers that have done their work for it. */
export interface ClaimedEvent extends StoredEvent {
  applied: string[];
}

/** Takes those of the given events that are open and in nobody's hands. */
export async function claimEvents(client: Queryable, ids: readonly string[]): Promise<ClaimedEvent[]> {
  const { rows } = await client.query<ClaimedEvent & { occurredAt: Date | null }>({
    name: 'events-claim',
    text: CLAIM,
    values: [ids],
  });
  return rows.map((row) => ({ ...row, occurredAt: row.occurredAt ?? undefined }));
}

const RENEW = `
  with held as (
    select id from webhook_event
    where id = any($1::uuid[]) and state = 'open' and leased_until > now()
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
