import { Router, type RequestHandler } from 'express';
import { z } from 'zod';
import type { EntityManager } from '#database/orm.ts';
import { limitFailure } from '#limits/limit-failure.ts';
import type { Limiter, Policy } from '#limits/limiter.ts';
import { findReplayable } from '#webhooks/find-replayable.ts';
import { replayReceipt, replayReceipts, type ReplayContext } from '#webhooks/replay-receipts.ts';
import type { RequireCaller } from '../authenticate.ts';
import { callerOf } from '../caller.ts';
import type { ClientAddressOf } from '../client.ts';
import { idOf } from '../fields.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf } from '../person.ts';
import { receiptFilter } from '../receipt-fields.ts';
import { bodyOf, readJson } from '../request.ts';

const MAX_BODY_BYTES = 4_096;
const SINGLE: Policy = { name: 'replay', points: 60, windowSeconds: 60 };
const BULK: Policy = { name: 'replay-bulk', points: 10, windowSeconds: 60 };

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

  const limitBy =
    (policy: Policy): RequestHandler =>
    async (_request, response, next) => {
      const decision = await limiter.consume(policy, callerOf(response).userId);
      if (!decision.allowed) throw limitFailure(policy, decision.resetSeconds);
      next();
    };

  router
    .route('/api/webhook-logs/replay')
    .post(mayReplay, limitBy(BULK), readJson(MAX_BODY_BYTES), async (request, response) => {
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
    .post(mayReplay, limitBy(SINGLE), async (request, response) => {
      await replayReceipt(context, idOf(request), actorOf(request, response, clientAddressOf));
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  return router;
}
