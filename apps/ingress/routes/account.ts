import { Router } from 'express';
import { z } from 'zod';
import { changePassword } from '#access/change-password.ts';
import { resetPassword } from '#access/reset-password.ts';
import { stepUp } from '#access/step-up.ts';
import { ownUserOf } from '#access/users.ts';
import { addressPrefixOf } from '#runtime/address.ts';
import { Failure } from '#runtime/failure.ts';
import { callerOf } from '../caller.ts';
import { clientOf } from '../client.ts';
import { passwordField } from '../fields.ts';
import { onlyMethods } from '../methods.ts';
import { personOf } from '../person.ts';
import { bodyOf, readJson } from '../request.ts';
import type { AuthRouteParts } from './auth.ts';

const MAX_BODY_BYTES = 4_096;
const BODY_LIMIT_MS = 5_000;

export const passwordBody = z.strictObject({ currentPassword: passwordField, newPassword: passwordField });
export const stepUpBody = z.strictObject({ password: passwordField });
export const resetBody = z.strictObject({ token: z.string().max(128), newPassword: passwordField });

/** What people do with their own account. */
export function accountRoutes({ access, clientAddressOf, limits }: AuthRouteParts): Router {
  const { context, requireCaller } = access;
  const router = Router({ caseSensitive: true, strict: true });
  const json = readJson(MAX_BODY_BYTES, BODY_LIMIT_MS);

  router
    .route('/api/auth/me')
    .get(requireCaller(), async (_request, response) => {
      const user = await ownUserOf(context.pool, callerOf(response).userId);
      if (user === undefined) throw new Failure('token-invalid');
      response.json(user);
    })
    .all(onlyMethods('GET', 'HEAD'));

  router
    .route('/api/auth/password')
    .post(requireCaller(), limits.inTurn, limits.passwords, json, async (request, response) => {
      const { currentPassword, newPassword } = bodyOf(passwordBody, request);
      const client = clientOf(request, clientAddressOf, undefined);
      await changePassword(context, { ...personOf(response), password: currentPassword, newPassword, client });
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/auth/step-up')
    .post(requireCaller(), limits.inTurn, limits.passwords, json, async (request, response) => {
      const { password } = bodyOf(stepUpBody, request);
      const person = personOf(response);
      await stepUp(context, { ...person, password, client: clientOf(request, clientAddressOf, undefined) });
      access.standings.forget(person.sessionId);
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  router
    .route('/api/auth/reset')
    .post(limits.inTurn, limits.passwords, json, limits.delay, async (request, response) => {
      const { token, newPassword } = bodyOf(resetBody, request);
      const addressPrefix = addressPrefixOf(clientAddressOf(request));
      await resetPassword(context, { secret: token, newPassword, addressPrefix });
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  return router;
}
