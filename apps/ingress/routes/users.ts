import { Router } from 'express';
import { z } from 'zod';
import { endSessions } from '#access/end-session.ts';
import { listSessions } from '#access/list-sessions.ts';
import { ROLES } from '#access/user.ts';
import { changeUser, createUser, listUsers, userOf } from '#access/users.ts';
import { Failure } from '#runtime/failure.ts';
import { emailField, idOf, nameField, pageQuery, passwordField } from '../fields.ts';
import { onlyMethods } from '../methods.ts';
import { actorOf } from '../person.ts';
import { bodyOf, queryOf, readJson } from '../request.ts';
import type { AuthRouteParts } from './auth.ts';

const MAX_BODY_BYTES = 4_096;

export const newUserBody = z.strictObject({
  email: emailField,
  name: nameField,
  role: z.enum(ROLES),
  password: passwordField.optional(),
});
export const userChangeBody = z.strictObject({
  name: nameField.optional(),
  role: z.enum(ROLES).optional(),
  disabled: z.boolean().optional(),
  password: passwordField.optional(),
});

/** Admins see, make and change users, and end their sessions. */
export function userRoutes({ access, clientAddressOf }: Pick<AuthRouteParts, 'access' | 'clientAddressOf'>): Router {
  const { context, requireCaller } = access;
  const router = Router({ caseSensitive: true, strict: true });
  const json = readJson(MAX_BODY_BYTES);
  const mayRead = requireCaller({ roles: ['admin'], scope: 'users:read' });
  const mayWrite = requireCaller({ roles: ['admin'], scope: 'users:write', stepUp: true });

  router
    .route('/api/users')
    .get(mayRead, async (request, response) => {
      response.json(await listUsers(context.pool, queryOf(pageQuery, request)));
    })
    .post(mayWrite, json, async (request, response) => {
      const given = bodyOf(newUserBody, request);
      const user = await createUser(context, given, actorOf(request, response, clientAddressOf));
      response.status(201).json(user);
    })
    .all(onlyMethods('GET', 'HEAD', 'POST'));

  router
    .route('/api/users/:id')
    .patch(mayWrite, json, async (request, response) => {
      const change = bodyOf(userChangeBody, request);
      response.json(await changeUser(context, idOf(request), change, actorOf(request, response, clientAddressOf)));
    })
    .all(onlyMethods('PATCH'));

  router
    .route('/api/users/:id/sessions')
    .get(mayRead, async (request, response) => {
      const userId = idOf(request);
      const query = queryOf(pageQuery, request);
      if ((await userOf(context.pool, userId)) === undefined) throw new Failure('not-found');
      response.json(await listSessions(context.pool, userId, query));
    })
    .delete(mayWrite, async (request, response) => {
      const userId = idOf(request);
      if ((await userOf(context.pool, userId)) === undefined) throw new Failure('not-found');
      const actor = actorOf(request, response, clientAddressOf);
      const count = await endSessions(context, { userId, reason: 'ended-by-admin', actor });
      response.json({ message: 'All sessions of this user were ended.', count });
    })
    .all(onlyMethods('GET', 'HEAD', 'DELETE'));

  return router;
}
