import { Router } from 'express';
import { z } from 'zod';
import { API_SCOPES } from '#access/api-scopes.ts';
import { createApiToken, endApiToken, listApiTokens } from '#access/api-tokens.ts';
import { Failure } from '#runtime/failure.ts';
import { idOf, nameField, pageQuery } from '../fields.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf, personOf } from '../person.ts';
import { bodyOf, queryOf, readJson } from '../request.ts';
import type { AuthRouteParts } from './auth.ts';

const MAX_BODY_BYTES = 4_096;
const DAY_SECONDS = 86_400;

export const newTokenBody = z.strictObject({
  name: nameField,
  scopes: z
    .array(z.enum(API_SCOPES))
    .min(1)
    .max(API_SCOPES.length)
    .refine((scopes) => new Set(scopes).size === scopes.length, 'must not repeat a scope'),
  /** In seconds. */
  expiresIn: z
    .int()
    .min(60)
    .max(366 * DAY_SECONDS)
    .default(90 * DAY_SECONDS),
});

/** Admins make API tokens for programs. Programs make none. */
export function tokenRoutes({ access, clientAddressOf }: Pick<AuthRouteParts, 'access' | 'clientAddressOf'>): Router {
  const { context, requireCaller } = access;
  const router = Router({ caseSensitive: true, strict: true });
  const mayRead = requireCaller({ roles: ['admin'] });
  const mayWrite = requireCaller({ roles: ['admin'], stepUp: true });

  router
    .route('/api/tokens')
    .get(mayRead, async (request, response) => {
      response.json(await listApiTokens(context.pool, queryOf(pageQuery, request)));
    })
    .post(mayWrite, readJson(MAX_BODY_BYTES), async (request, response) => {
      const { name, scopes, expiresIn } = bodyOf(newTokenBody, request);
      const { userId } = personOf(response);
      const given = { userId, name, scopes, lifeSeconds: expiresIn };
      const { apiToken, text } = await createApiToken(context, given, actorOf(request, response, clientAddressOf));
      response.status(201).json({ ...apiToken, token: text });
    })
    .all(onlyMethods('GET', 'HEAD', 'POST'));

  router
    .route('/api/tokens/:id')
    .delete(mayWrite, async (request, response) => {
      const isEnded = await endApiToken(context, idOf(request), actorOf(request, response, clientAddressOf));
      if (!isEnded) throw new Failure('not-found');
      response.status(204).end();
    })
    .all(onlyMethods('DELETE'));

  return router;
}
