import { z } from 'zod';
import { API_SCOPES } from '#access/api-scopes.ts';
import { pageQuery } from '../fields.ts';
import { newTokenBody } from '../routes/tokens.ts';
import type { OperationGroup } from './operation.ts';
import { id, json, nothing, pageOf, time } from './shapes.ts';

const apiToken = z.object({
  id,
  userId: id.describe('Whose role it has.'),
  name: z.string(),
  scopes: z.array(z.enum(API_SCOPES)),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.nullable(),
});

export const tokenOperations: OperationGroup = {
  tag: 'API tokens',
  about: 'For programs. Programs make none.',
  isRouted: true,
  operations: [
    {
      id: 'listTokens',
      method: 'get',
      path: '/api/tokens',
      summary: 'The live API tokens',
      caller: 'admin',
      query: pageQuery,
      answers: { 200: json('The newest first.', pageOf(apiToken)) },
    },
    {
      id: 'createToken',
      method: 'post',
      path: '/api/tokens',
      summary: 'Makes an API token',
      caller: 'admin',
      stepUp: true,
      body: json('What it may do, and for how many seconds.', newTokenBody),
      answers: {
        201: json('The token, which is shown this once.', apiToken.extend({ token: z.string() })),
      },
    },
    {
      id: 'endToken',
      method: 'delete',
      path: '/api/tokens/{id}',
      summary: 'Ends an API token',
      caller: 'admin',
      stepUp: true,
      answers: { 204: nothing('It is refused from now on.') },
      failures: ['not-found'],
    },
  ],
};
