import { Router } from 'express';
import { z } from 'zod';
import { makeCsrfToken } from '#access/csrf-token.ts';
import { endSession, endSessions } from '#access/end-session.ts';
import { signOut } from '#access/sign-out.ts';
import { Failure } from '#runtime/failure.ts';
import { clientOf } from '../client.ts';
import { CSRF_COOKIE, setCookie } from '../cookies.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf, personOf } from '../person.ts';
import { presentedOf, refreshCookieOf } from '../presented-token.ts';
import { bodyOf, readJson } from '../request.ts';
import { clearSessionCookies } from '../session-cookies.ts';
import type { AuthRouteParts } from './auth.ts';

const MAX_BODY_BYTES = 4_096;
const BODY_LIMIT_MS = 5_000;

export const logoutBody = z.strictObject({ refreshToken: z.string().max(1_024).optional() });

/** Sign-out, and the CSRF token of a browser's session. */
export function logoutRoutes({ access, clientAddressOf, limits }: AuthRouteParts): Router {
  const { context, csrfKeys, requireCaller } = access;
  const router = Router({ caseSensitive: true, strict: true });

  router.post(
    '/api/auth/logout',
    (request, _response, next) => (request.headers.authorization === undefined ? next('route') : next()),
    requireCaller(),
    async (request, response) => {
      const { userId, sessionId } = personOf(response);
      const actor = actorOf(request, response, clientAddressOf);
      await endSession(context, { userId, sessionId, reason: 'logout', actor });
      if (refreshCookieOf(request, context.keys)?.sessionId === sessionId) clearSessionCookies(response);
      response.status(204).end();
    },
  );
  router
    .route('/api/auth/logout')
    .post(limits.anyone, readJson(MAX_BODY_BYTES, BODY_LIMIT_MS), async (request, response) => {
      const { refreshToken } = bodyOf(logoutBody, request);
      const { presented, isCookie } = presentedOf(request, access, refreshToken);
      await signOut(context, { presented, client: clientOf(request, clientAddressOf, undefined) });
      if (isCookie) clearSessionCookies(response);
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/auth/logout-all')
    .post(requireCaller(), async (request, response) => {
      const { userId } = personOf(response);
      const actor = actorOf(request, response, clientAddressOf);
      const count = await endSessions(context, { userId, reason: 'logout-all', actor });
      if (refreshCookieOf(request, context.keys) !== undefined) clearSessionCookies(response);
      response.json({ message: 'All sessions were ended.', count });
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/auth/csrf')
    .get(limits.anyone, (request, response) => {
      const session = refreshCookieOf(request, context.keys);
      if (session === undefined) throw new Failure('refresh-missing');
      const csrfToken = makeCsrfToken(csrfKeys, session.sessionId);
      const maxAgeSeconds = Math.max(...Object.values(context.absoluteSeconds));
      setCookie(response, CSRF_COOKIE, csrfToken, { maxAgeSeconds, isReadable: true });
      response.set('cache-control', 'no-store').json({ csrfToken });
    })
    .all(onlyMethods('GET', 'HEAD'));

  return router;
}
