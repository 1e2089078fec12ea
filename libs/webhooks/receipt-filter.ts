import type { FilterQuery, InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '#database/orm.ts';
import { WebhookEventEntity } from '#webhooks/webhook-event.ts';
import type { WebhookLogEntity } from '#webhooks/webhook-log.ts';

export type WebhookLog = InferEntity<typeof WebhookLogEntity>;

/** Which receipts are meant; what is undefined is not asked. */
export interface ReceiptFilter {
  source?: string | undefined;
  /** Exact, or `refused` for every reason. */
  verdict?: string | undefined;
  state?: 'open' | 'done' | 'dead' | undefined;
  /** Received at this time or later. */
  from?: Date | undefined;
  /** Received before this time. */
  to?: Date | undefined;
  /** A key that the sender gave to an event inside the receipt. */
  eventKey?: string | undefined;
  textId?: string | undefined;
}

/** The same event key may come from every source. */
const MAX_RECEIPTS_PER_KEY = 200;

/** The filter as conditions that an index serves each; undefined if it can match nothing. */
export async function conditionsOf(
  em: EntityManager,
  filter: ReceiptFilter,
): Promise<FilterQuery<WebhookLog>[] | undefined> {
  const conditions: FilterQuery<WebhookLog>[] = [];
  if (filter.source !== undefined) conditions.push({ source: filter.source });
  if (filter.state !== undefined) conditions.push({ state: filter.state });
  if (filter.textId !== undefined) conditions.push({ textId: filter.textId });
  if (filter.from !== undefined) conditions.push({ receivedAt: { $gte: filter.from } });
  if (filter.to !== undefined) conditions.push({ receivedAt: { $lt: filter.to } });
  if (filter.verdict !== undefined) conditions.push(...verdictConditions(filter.verdict));
  if (filter.eventKey !== undefined) {
    const ids = await receiptsOfKey(em, filter.eventKey, filter.source);
    if (ids.length === 0) return undefined;
    conditions.push({ id: { $in: ids } });
  }
  return conditions;
}

/** The planner uses the index of requests that were not accepted only where the query says that none of them was. */
function verdictConditions(verdict: string): FilterQuery<WebhookLog>[] {
  if (verdict === 'refused') return [{ verdict: { $like: 'refused:%' } }, { verdict: { $ne: 'accepted' } }];
  return [{ verdict }];
}

async function receiptsOfKey(em: EntityManager, eventKey: string, source: string | undefined): Promise<string[]> {
  const where = source === undefined ? { eventKey } : { eventKey, source };
  const events = await em.find(WebhookEventEntity, where, { fields: ['receiptId'], limit: MAX_RECEIPTS_PER_KEY });
  return [...new Set(events.map(({ receiptId }) => receiptId).filter((id) => id !== null && id !== undefined))];
}
