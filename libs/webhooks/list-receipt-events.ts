import type { EntityManager } from '#database/orm.ts';
import { databaseFailure } from '#database/pool.ts';
import type { Json } from '#webhooks/event.ts';
import { maskId, maskJson, maskSubject } from '#webhooks/mask.ts';
import { WebhookEventEntity } from '#webhooks/webhook-event.ts';

/** An event as its receipt shows it. */
export interface ShownEvent {
  id: string;
  eventKey: string;
  type: string;
  occurredAt: Date | null;
  subjects: string[];
  data: Json;
  state: string;
  attempts: number;
  replay: number;
  lastError: string | null;
  createdAt: Date;
  closedAt: Date | null;
}

export interface EventPage {
  items: ShownEvent[];
  /** The id of the last one, if there are more. */
  nextCursor: string | undefined;
}

const FIELDS = [
  'id',
  'eventKey',
  'type',
  'occurredAt',
  'subjects',
  'data',
  'state',
  'attempts',
  'replay',
  'lastError',
  'createdAt',
  'closedAt',
] as const;

/** The events of a receipt in the order of their ids; personal data is masked unless it is to be revealed. */
export async function listReceiptEvents(
  em: EntityManager,
  receiptId: string,
  { limit, cursor, isRevealed }: { limit: number; cursor?: string | undefined; isRevealed: boolean },
): Promise<EventPage> {
  const where = cursor === undefined ? { receiptId } : { receiptId, id: { $gt: cursor } };
  const options = { fields: FIELDS, orderBy: { id: 'asc' as const }, limit: limit + 1, disableIdentityMap: true };
  const rows = await em.find(WebhookEventEntity, where, options).catch((error: unknown) => {
    throw databaseFailure(error);
  });
  const items = rows.slice(0, limit).map((row) => ({
    id: row.id,
    eventKey: isRevealed ? row.eventKey : maskId(row.eventKey),
    type: row.type,
    occurredAt: row.occurredAt ?? null,
    subjects: isRevealed ? row.subjects : row.subjects.map((subject) => maskSubject(subject)),
    data: isRevealed ? (row.data as Json) : maskJson(row.data as Json),
    state: row.state,
    attempts: row.attempts,
    replay: row.replay,
    lastError: row.lastError ?? null,
    createdAt: row.createdAt,
    closedAt: row.closedAt ?? null,
  }));
  return { items, nextCursor: rows.length > limit ? items.at(-1)?.id : undefined };
}
