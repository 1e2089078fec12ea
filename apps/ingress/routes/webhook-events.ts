import { Router } from 'express';
import type { Limiter } from '#limits/limiter.ts';
import { listOwnEvents } from '#webhooks/list-own-events.ts';
import { replayEvent } from '#webhooks/replay-event.ts';
import type { ReplayContext } from '#webhooks/replay-receipts.ts';
import type { RequireCaller } from '../authenticate.ts';
import type { ClientAddressOf } from '../client.ts';
import { idOf } from '../fields.ts';
import { limitReplays } from '../limit-replays.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf } from '../person.ts';
import { ownEventQuery } from '../receipt-fields.ts';
import { queryOf } from '../request.ts';

export interface WebhookEventParts {
  context: ReplayContext;
  limiter: Limiter;
  requireCaller: RequireCaller;
  clientAddressOf: ClientAddressOf;
}

/** Admins find events that came of no webhook, such as verdicts on uploads, and hand one to the handlers again. */
export function webhookEventRoutes({ context, limiter, requireCaller, clientAddressOf }: WebhookEventParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const mayList = requireCaller({ roles: ['admin'], scope: 'webhook-logs:read' });
  const mayReplay = requireCaller({ roles: ['admin'], scope: 'webhook-logs:write', stepUp: true });

  router
    .route('/api/webhook-events')
    .get(mayList, async (request, response) => {
      response.json(await listOwnEvents(context.pool, queryOf(ownEventQuery, request)));
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/api/webhook-events/:id/replay')
    .post(mayReplay, limitReplays(limiter, 'one'), async (request, response) => {
      await replayEvent(context, idOf(request), actorOf(request, response, clientAddressOf));
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  return router;
}
