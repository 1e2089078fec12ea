import type { EntityManager } from '#database/orm.ts';
import { databaseFailure } from '#database/pool.ts';
import { shownEvent, type ShownEvent } from '#webhooks/shown-event.ts';
import { WebhookEventEntity } from '#webhooks/webhook-event.ts';

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
  const items = rows.slice(0, limit).map((row) => shownEvent(row, { isRevealed }));
  return { items, nextCursor: rows.length > limit ? items.at(-1)?.id : undefined };
}
