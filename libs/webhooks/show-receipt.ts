import type { EntityManager } from '#database/orm.ts';
import { databaseFailure } from '#database/pool.ts';
import { listReceiptEvents, type EventPage } from '#webhooks/list-receipt-events.ts';
import { maskHeaders } from '#webhooks/mask.ts';
import { SUMMARY_FIELDS, summaryOf, type ReceiptSummary } from '#webhooks/receipt-summary.ts';
import {
  MASKED_LIMIT_BYTES,
  maskedBody,
  REVEALED_LIMIT_BYTES,
  revealedBody,
  type ShownBody,
} from '#webhooks/shown-body.ts';
import { WebhookLogEntity } from '#webhooks/webhook-log.ts';

export interface ShownReceipt extends ReceiptSummary {
  headers: Record<string, string>;
  body: ShownBody;
  /** The first page of what was found inside. */
  events: EventPage;
}

const FIRST_EVENTS = 50;

/**
 * One receipt with its headers, body and events; personal data is masked unless it is to be revealed.
 * @returns undefined if there is none. @throws Failure `database-unavailable`.
 */
export async function showReceipt(
  em: EntityManager,
  id: string,
  { isRevealed }: { isRevealed: boolean },
): Promise<ShownReceipt | undefined> {
  try {
    const row = await em.findOne(WebhookLogEntity, { id }, { fields: [...SUMMARY_FIELDS, 'headers'] });
    if (row === null) return undefined;
    const headers = row.headers as Record<string, string>;
    const limitBytes = isRevealed ? REVEALED_LIMIT_BYTES : MASKED_LIMIT_BYTES;
    const body = await bodyOf(em, row.id, row.sizeBytes, limitBytes);
    return {
      ...summaryOf(row),
      headers: isRevealed ? headers : maskHeaders(headers),
      body: body === 'large' ? { form: 'hidden', reason: 'large' } : (isRevealed ? revealedBody : maskedBody)(body),
      events: await listReceiptEvents(em, id, { limit: FIRST_EVENTS, isRevealed }),
    };
  } catch (error) {
    throw databaseFailure(error);
  }
}

/** Read by itself, so that a large one that won't be shown is not read at all. */
async function bodyOf(
  em: EntityManager,
  id: string,
  sizeBytes: number,
  limitBytes: number,
): Promise<Buffer | undefined | 'large'> {
  const isAtMost = sizeBytes <= limitBytes;
  const row = await em.findOne(WebhookLogEntity, isAtMost ? { id } : { id, verdict: { $like: 'refused:%' } }, {
    fields: ['body'],
    disableIdentityMap: true,
  });
  if (row === null) return 'large';
  return row.body instanceof Uint8Array ? Buffer.from(row.body) : undefined;
}
