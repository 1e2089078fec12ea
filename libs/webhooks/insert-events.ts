import { binaryArray, jsonb, text, timestamptz, uuid, type ElementType } from '#database/binary-array.ts';
import type { PoolClient } from '#database/pool.ts';
import type { EventDraft } from '#webhooks/event.ts';
import { FIRST_CHECK_SECONDS } from '#webhooks/receipt.ts';

const EVENTS_PER_INSERT = 5_000;

/** An update of a receipt that is being closed, or something that happened here: then there is no receipt. */
export interface NewEvent {
  id: string;
  receipt: { id: string | null; source: string; correlation_id: string; traceparent: string | null };
  event: EventDraft;
}

/**
 * An event that is there already (from another receipt, say) stays as it is. Sorted, so that batches can't deadlock.
 * @returns the ids of the new events that wait for handlers.
 */
export async function insertEvents(
  client: PoolClient,
  drafts: readonly NewEvent[],
  wants: (type: string) => boolean,
): Promise<string[]> {
  const sorted = drafts.toSorted(
    (a, b) => compare(a.receipt.source, b.receipt.source) || compare(a.event.key, b.event.key),
  );
  const waiting: string[] = [];
  for (let from = 0; from < sorted.length; from += EVENTS_PER_INSERT) {
    const part = sorted.slice(from, from + EVENTS_PER_INSERT);
    const { rows } = await client.query<{ id: string; state: string }>({
      name: 'events-insert',
      text: INSERT_EVENTS,
      values: valuesOf(part, wants),
    });
    for (const { id, state } of rows) if (state === 'open') waiting.push(id);
  }
  return waiting;
}

function valuesOf(drafts: readonly NewEvent[], wants: (type: string) => boolean): unknown[] {
  const column = <T>(type: ElementType<T>, pick: (draft: NewEvent) => T | null | undefined): Buffer =>
    binaryArray(
      type,
      drafts.map((draft) => pick(draft) ?? undefined),
    );
  return [
    column(uuid, ({ id }) => id),
    column(text, ({ receipt }) => receipt.source),
    column(text, ({ event }) => event.key),
    column(uuid, ({ receipt }) => receipt.id),
    column(text, ({ event }) => event.type),
    column(timestamptz, ({ event }) => event.occurredAt?.getTime()),
    column(jsonb, ({ event }) => JSON.stringify(event.subjects)),
    column(jsonb, ({ event }) => JSON.stringify(event.data)),
    column(jsonb, ({ event }) => JSON.stringify(event.raw)),
    column(text, ({ receipt }) => receipt.correlation_id),
    drafts.map(({ event }) => wants(event.type)),
    column(text, ({ receipt }) => receipt.traceparent),
  ];
}

const INSERT_EVENTS = `
  insert into webhook_event (id, source, event_key, receipt_id, type, occurred_at, subjects, data, raw, state,
    correlation_id, traceparent, next_check_at, closed_at)
  select id, source, event_key, receipt_id, type, occurred_at,
    array(select jsonb_array_elements_text(subjects)), data, raw,
    case when wanted then 'open' else 'done' end, correlation_id, traceparent,
    case when wanted then now() + interval '${FIRST_CHECK_SECONDS} seconds' end,
    case when not wanted then clock_timestamp() end
  from (
    select unnest($1::uuid[]) as id, unnest($2::text[]) as source, unnest($3::text[]) as event_key,
      unnest($4::uuid[]) as receipt_id, unnest($5::text[]) as type, unnest($6::timestamptz[]) as occurred_at,
      unnest($7::jsonb[]) as subjects, unnest($8::jsonb[]) as data, unnest($9::jsonb[]) as raw,
      unnest($10::text[]) as correlation_id, unnest($11::bool[]) as wanted, unnest($12::text[]) as traceparent
  ) as draft
  on conflict (source, event_key) do nothing
  returning id, state`;

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
