import type { PoolClient } from '#database/pool.ts';
import { isMessageStatus, statusRank, type MessageStatus } from '#webhooks/message-status.ts';

export interface HeardStatus {
  source: string;
  messageId: string;
  status: MessageStatus;
  occurredAt: Date | undefined;
  eventId: string;
}

/** The status that an event tells, if it tells one. */
export function heardStatus(
  source: string,
  eventId: string,
  event: { type: string; occurredAt: Date | undefined; data: Record<string, unknown> },
): HeardStatus | undefined {
  const { messageId, status } = event.data;
  if (event.type !== 'message.status' || typeof messageId !== 'string' || typeof status !== 'string') return undefined;
  return isMessageStatus(status) ? { source, messageId, status, occurredAt: event.occurredAt, eventId } : undefined;
}

/**
 * Moves each message up the ladder, never down, whatever order statuses arrive in; so it may run any number of times.
 * Sorted, so that batches can't deadlock.
 */
export async function keepMessageStatuses(client: PoolClient, heard: readonly HeardStatus[]): Promise<void> {
  const highest = new Map<string, HeardStatus>();
  for (const each of heard) {
    const key = `${each.source} ${each.messageId}`;
    const other = highest.get(key);
    if (other === undefined || statusRank[each.status] > statusRank[other.status]) highest.set(key, each);
  }
  if (highest.size === 0) return;
  const rows = [...highest.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  await client.query({
    name: 'message-statuses-keep',
    text: `
      insert into message_status (source, message_id, status, rank, occurred_at, event_id)
      select * from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::uuid[])
      on conflict (source, message_id) do update set
        status = excluded.status, rank = excluded.rank, occurred_at = excluded.occurred_at,
        event_id = excluded.event_id, changed_at = clock_timestamp()
      where excluded.rank > message_status.rank`,
    values: [
      rows.map(({ source }) => source),
      rows.map(({ messageId }) => messageId),
      rows.map(({ status }) => status),
      rows.map(({ status }) => statusRank[status]),
      rows.map(({ occurredAt }) => occurredAt?.toISOString() ?? null),
      rows.map(({ eventId }) => eventId),
    ],
  });
}
