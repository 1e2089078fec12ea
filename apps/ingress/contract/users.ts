import { z } from 'zod';
import { pageQuery } from '../fields.ts';
import { newUserBody, userChangeBody } from '../routes/users.ts';
import type { OperationGroup } from './operation.ts';
import { session } from './sessions.ts';
import { acted, id, json, pageOf, role, time } from './shapes.ts';

const user = z.object({
  id,
  email: z.string(),
  name: z.string(),
  role,
  createdAt: time,
  disabledAt: time.nullable(),
});

export const userOperations: OperationGroup = {
  tag: 'Users',
  about: 'Users are disabled, never removed. A change of role, of the password or disabling takes effect at once.',
  isRouted: true,
  operations: [
    {
      id: 'listUsers',
      method: 'get',
      path: '/api/users',
      summary: 'All users',
      caller: 'admin',
      scope: 'users:read',
      query: pageQuery,
      answers: { 200: json('In the order in which they were made.', pageOf(user)) },
    },
    {
      id: 'createUser',
      method: 'post',
      path: '/api/users',
      summary: 'Makes a user; without a password they need a reset link first',
      caller: 'admin',
      scope: 'users:write',
      stepUp: true,
      body: json('The user.', newUserBody),
      answers: { 201: json('The user.', user) },
      failures: ['email-taken', 'password-refused', 'sign-in-busy'],
    },
    {
      id: 'changeUser',
      method: 'patch',
      path: '/api/users/{id}',
      summary: 'Changes a user',
      caller: 'admin',
      scope: 'users:write',
      stepUp: true,
      body: json('What is to be other than it is.', userChangeBody),
      answers: { 200: json('The user as they are now.', user) },
      failures: ['not-found', 'admin-last', 'password-refused', 'sign-in-busy'],
    },
    {
      id: 'listSessionsOfUser',
      method: 'get',
      path: '/api/users/{id}/sessions',
      summary: 'The live sessions of a user',
      caller: 'admin',
      scope: 'users:read',
      query: pageQuery,
      answers: { 200: json('The newest first.', pageOf(session)) },
      failures: ['not-found'],
    },
    {
      id: 'endSessionsOfUser',
      method: 'delete',
      path: '/api/users/{id}/sessions',
      summary: 'Ends all sessions of a user',
      caller: 'admin',
      scope: 'users:write',
      stepUp: true,
      answers: { 200: json('How many.', acted) },
      failures: ['not-found'],
    },
  ],
};
