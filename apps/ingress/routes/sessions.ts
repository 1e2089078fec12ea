import { Router } from 'express';
import { endSession, endSessions } from '#access/end-session.ts';
import { listSessions } from '#access/list-sessions.ts';
import { Failure } from '#runtime/failure.ts';
import { idOf, pageQuery } from '../fields.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf, personOf } from '../person.ts';
import { refreshCookieOf } from '../presented-token.ts';
import { queryOf } from '../request.ts';
import { clearSessionCookies } from '../session-cookies.ts';
import type { AuthRouteParts } from './auth.ts';

/** People see and end their own sessions. */
export function sessionRoutes({ access, clientAddressOf }: Pick<AuthRouteParts, 'access' | 'clientAddressOf'>): Router {
  const { context, requireCaller } = access;
  const router = Router({ caseSensitive: true, strict: true });

  router
    .route('/api/sessions')
    .get(requireCaller(), async (request, response) => {
      const { userId, sessionId } = personOf(response);
      const { items, nextCursor } = await listSessions(context.pool, userId, queryOf(pageQuery, request));
      response.json({ items: items.map((item) => ({ ...item, current: item.id === sessionId })), nextCursor });
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/api/sessions/terminate-others')
    .post(requireCaller({ stepUp: true }), async (request, response) => {
      const { userId, sessionId } = personOf(response);
      const actor = actorOf(request, response, clientAddressOf);
      const count = await endSessions(context, { userId, exceptId: sessionId, reason: 'others-ended', actor });
      response.json({ message: 'All other sessions were ended.', count });
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/sessions/:id')
    .delete(requireCaller({ stepUp: true }), async (request, response) => {
      const { userId } = personOf(response);
      const sessionId = idOf(request);
      const actor = actorOf(request, response, clientAddressOf);
      const isEnded = await endSession(context, { sessionId, userId, reason: 'ended-by-owner', actor });
      if (!isEnded) throw new Failure('not-found');
      if (refreshCookieOf(request, context.keys)?.sessionId === sessionId) clearSessionCookies(response);
      response.status(204).end();
    })
    .all(onlyMethods('DELETE'));

  return router;
}
