import { z } from 'zod';
import { pageQuery } from '../fields.ts';
import type { OperationGroup } from './operation.ts';
import { acted, id, json, nothing, pageOf, time } from './shapes.ts';

/** Nothing that could be used to sign in. */
export const session = z.object({
  id,
  device: z.string(),
  addressPrefix: z.string(),
  createdAt: time,
  lastUsedAt: time.describe('Exact to one life of an access token.'),
  method: z.string(),
});

export const sessionOperations: OperationGroup = {
  tag: 'Sessions',
  about: 'Where somebody is signed in. Signing out takes effect within a second everywhere.',
  isRouted: true,
  operations: [
    {
      id: 'listSessions',
      method: 'get',
      path: '/api/sessions',
      summary: "The caller's live sessions",
      caller: 'signed-in',
      query: pageQuery,
      answers: { 200: json('The newest first.', pageOf(session.extend({ current: z.boolean() }))) },
    },
    {
      id: 'endOtherSessions',
      method: 'post',
      path: '/api/sessions/terminate-others',
      summary: 'Ends all sessions of the caller but this one',
      caller: 'signed-in',
      stepUp: true,
      answers: { 200: json('How many.', acted) },
    },
    {
      id: 'endSession',
      method: 'delete',
      path: '/api/sessions/{id}',
      summary: "Ends one of the caller's sessions",
      caller: 'signed-in',
      stepUp: true,
      answers: { 204: nothing('It is over.') },
      failures: ['not-found'],
    },
  ],
};
