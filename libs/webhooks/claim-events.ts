import type { Queryable } from '#database/pool.ts';
import type { StoredEvent } from '#webhooks/handler.ts';

/** How long one worker has a claimed event for itself; longer than all its handlers may take together. */
export const LEASE_SECONDS = 60;

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
