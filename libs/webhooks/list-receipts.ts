import type { FilterQuery } from '@mikro-orm/core';
import { databaseFailure } from '#database/pool.ts';
import type { EntityManager } from '#database/orm.ts';
import { isId } from '#runtime/id.ts';
import { conditionsOf, type ReceiptFilter, type WebhookLog } from '#webhooks/receipt-filter.ts';
import { SUMMARY_FIELDS, summaryOf, type ReceiptSummary } from '#webhooks/receipt-summary.ts';
import { WebhookLogEntity } from '#webhooks/webhook-log.ts';

export interface ReceiptPage {
  items: ReceiptSummary[];
  /** Where the next page begins; undefined on the last. */
  nextCursor: string | undefined;
}

/** The last receipt of the page before. */
export interface ReceiptCursor {
  receivedAt: Date;
  id: string;
}

const CURSOR = /^(\d{1,15})\.([0-9a-f-]{36})$/;

/** Undefined if it is no cursor of a list of receipts. */
export function parseReceiptCursor(text: string): ReceiptCursor | undefined {
  const [, ms, id] = CURSOR.exec(text) ?? [];
  if (ms === undefined || id === undefined || !isId(id)) return undefined;
  return { receivedAt: new Date(Number(ms)), id };
}

/** Newest first, by (received_at, id). @throws Failure `database-unavailable`. */
export async function listReceipts(
  em: EntityManager,
  filter: ReceiptFilter,
  { limit, cursor }: { limit: number; cursor?: ReceiptCursor | undefined },
): Promise<ReceiptPage> {
  try {
    const conditions = await conditionsOf(em, filter);
    if (conditions === undefined) return { items: [], nextCursor: undefined };
    if (cursor !== undefined) conditions.push(...after(cursor));
    const rows = await em.find(WebhookLogEntity, conditions.length === 0 ? {} : { $and: conditions }, {
      fields: SUMMARY_FIELDS,
      orderBy: { receivedAt: 'desc', id: 'desc' },
      limit: limit + 1,
      disableIdentityMap: true,
    });
    const items = rows.slice(0, limit).map((row) => summaryOf(row));
    const last = items.at(-1);
    const nextCursor =
      rows.length > limit && last !== undefined ? `${last.receivedAt.getTime()}.${last.id}` : undefined;
    return { items, nextCursor };
  } catch (error) {
    throw databaseFailure(error);
  }
}

/** The first condition is what the index begins at; an alternative alone would be read from the newest row on. */
function after({ receivedAt, id }: ReceiptCursor): FilterQuery<WebhookLog>[] {
  return [{ receivedAt: { $lte: receivedAt } }, { $or: [{ receivedAt: { $lt: receivedAt } }, { id: { $lt: id } }] }];
}
