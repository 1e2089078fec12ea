import { Router } from 'express';
import { z } from 'zod';
import type { EntityManager } from '#database/orm.ts';
import type { Limiter } from '#limits/limiter.ts';
import { findReplayable } from '#webhooks/find-replayable.ts';
import { replayReceipt, replayReceipts, type ReplayContext } from '#webhooks/replay-receipts.ts';
import type { RequireCaller } from '../authenticate.ts';
import type { ClientAddressOf } from '../client.ts';
import { idOf } from '../fields.ts';
import { limitReplays } from '../limit-replays.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf } from '../person.ts';
import { receiptFilter } from '../receipt-fields.ts';
import { bodyOf, readJson } from '../request.ts';

const MAX_BODY_BYTES = 4_096;

/** Without `dryRun: false` nothing is done but counted. */
export const bulkReplayBody = z.strictObject({ filter: receiptFilter, dryRun: z.boolean().default(true) });

export interface ReplayParts {
  /** Forked for each request. */
  em: EntityManager;
  context: ReplayContext;
  limiter: Limiter;
  requireCaller: RequireCaller;
  clientAddressOf: ClientAddressOf;
}

/** Admins hand receipts to the handlers again: one, or all that a filter matches. */
export function replayRoutes({ em, context, limiter, requireCaller, clientAddressOf }: ReplayParts): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const mayReplay = requireCaller({ roles: ['admin'], scope: 'webhook-logs:write', stepUp: true });

  router
    .route('/api/webhook-logs/replay')
    .post(mayReplay, limitReplays(limiter, 'many'), readJson(MAX_BODY_BYTES), async (request, response) => {
      const { filter, dryRun } = bodyOf(bulkReplayBody, request);
      const ids = await findReplayable(em.fork(), filter);
      const actor = actorOf(request, response, clientAddressOf);
      const { count, obstacles } = await replayReceipts(context, ids, { actor, dryRun });
      const message = dryRun ? 'So many receipts would be replayed.' : 'These receipts are replayed, oldest first.';
      response.json({ message, count, dryRun, obstacles });
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/webhook-logs/:id/replay')
    .post(mayReplay, limitReplays(limiter, 'one'), async (request, response) => {
      await replayReceipt(context, idOf(request), actorOf(request, response, clientAddressOf));
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  return router;
}
