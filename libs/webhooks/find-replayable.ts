import type { EntityManager } from '#database/orm.ts';
import { databaseFailure } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { conditionsOf, type ReceiptFilter } from '#webhooks/receipt-filter.ts';
import { WebhookLogEntity } from '#webhooks/webhook-log.ts';

/** What one call may replay. */
export const MAX_REPLAYED = 1_000;

/** The accepted, closed receipts that a filter matches, oldest first. @throws Failure `filter-wide` past MAX_REPLAYED. */
export async function findReplayable(em: EntityManager, filter: ReceiptFilter): Promise<string[]> {
  try {
    const conditions = await conditionsOf(em, filter);
    if (conditions === undefined) return [];
    const where = { $and: [...conditions, { verdict: 'accepted' }, { state: { $in: ['done', 'dead'] } }] };
    const rows = await em.find(WebhookLogEntity, where, {
      fields: ['id'],
      orderBy: { receivedAt: 'asc', id: 'asc' },
      limit: MAX_REPLAYED + 1,
      disableIdentityMap: true,
    });
    if (rows.length > MAX_REPLAYED) {
      throw new Failure('filter-wide', { detail: `more than ${MAX_REPLAYED} receipts match; choose a shorter time` });
    }
    return rows.map(({ id }) => id);
  } catch (error) {
    throw databaseFailure(error);
  }
}
