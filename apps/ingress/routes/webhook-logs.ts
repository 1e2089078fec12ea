import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { RecordEvents } from '#audit/record.ts';
import type { EntityManager } from '#database/orm.ts';
import { databaseFailure, type Queryable } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { listReceiptEvents } from '#webhooks/list-receipt-events.ts';
import { listReceipts } from '#webhooks/list-receipts.ts';
import { showReceipt } from '#webhooks/show-receipt.ts';
import type { RequireCaller } from '../authenticate.ts';
import type { ClientAddressOf } from '../client.ts';
import { idOf } from '../fields.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf } from '../person.ts';
import { eventsQuery, receiptQuery, revealQuery } from '../receipt-fields.ts';
import { queryOf } from '../request.ts';

export interface WebhookLogParts {
  /** Forked for each request. */
  em: EntityManager;
  pool: Queryable;
  record: RecordEvents;
  requireCaller: RequireCaller;
  clientAddressOf: ClientAddressOf;
}

/** Admins look into receipts. Personal data is masked; who asks to see it is recorded before it is shown. */
export function webhookLogRoutes({ em, pool, record, requireCaller, clientAddressOf }: WebhookLogParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const mayList = requireCaller({ roles: ['admin'], scope: 'webhook-logs:read' });
  const mayReveal = requireCaller({ roles: ['admin'], scope: 'webhook-logs:read', stepUp: true });
  const mayRead: RequestHandler = (request, response, next) =>
    (request.query['reveal'] === undefined ? mayList : mayReveal)(request, response, next);

  async function recordReveal(request: Request, response: Response, receiptId: string): Promise<void> {
    const actor = actorOf(request, response, clientAddressOf);
    await record(pool, [{ ...actor, type: 'receipt.revealed', targetKind: 'receipt', targetId: receiptId }]).catch(
      (error: unknown) => {
        throw databaseFailure(error);
      },
    );
  }

  router
    .route('/api/webhook-logs')
    .get(mayList, async (request, response) => {
      const { limit, cursor, ...filter } = queryOf(receiptQuery, request);
      response.json(await listReceipts(em.fork(), filter, { limit, cursor }));
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/api/webhook-logs/:id')
    .get(mayRead, async (request, response) => {
      const { reveal: isRevealed } = queryOf(revealQuery, request);
      const receipt = await showReceipt(em.fork(), idOf(request), { isRevealed });
      if (receipt === undefined) throw new Failure('not-found');
      if (isRevealed) await recordReveal(request, response, receipt.id);
      response.json(receipt);
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/api/webhook-logs/:id/events')
    .get(mayRead, async (request, response) => {
      const { reveal: isRevealed, ...page } = queryOf(eventsQuery, request);
      const receiptId = idOf(request);
      const events = await listReceiptEvents(em.fork(), receiptId, { ...page, isRevealed });
      if (isRevealed) await recordReveal(request, response, receiptId);
      response.json(events);
    })
    .all(onlyMethods('GET', 'HEAD'));

  return router;
}
