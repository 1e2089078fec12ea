import { z } from 'zod';
import { passwordBody, resetBody, stepUpBody } from '../routes/account.ts';
import { loginBody, loginQuery, refreshBody } from '../routes/auth.ts';
import { logoutBody } from '../routes/logout.ts';
import type { OperationGroup } from './operation.ts';
import { acted, id, json, nothing, role } from './shapes.ts';

const person = z.object({ id, email: z.string(), name: z.string(), role });
const refreshToken = z.string().optional().describe('Absent in cookie mode: it is in `__Host-refresh` then.');
const accessToken = z.string().describe('A JWT (RFC 9068) for the header `Authorization: Bearer`.');
const expiresIn = z.int().min(1).describe('Seconds that the access token lives.');

const byCookie = {
  'x-csrf-token': 'In cookie mode: the value of the cookie `__Host-csrf`.',
  origin: 'In cookie mode: our own or that of CLIENT_URL.',
};

export const signInOperations: OperationGroup = {
  tag: 'Sign-in',
  about: 'Access tokens are short-lived; refresh tokens are exchanged for new ones, each of them once.',
  isRouted: true,
  operations: [
    {
      id: 'login',
      method: 'post',
      path: '/api/auth/login',
      summary: 'Signs in with a password',
      caller: 'anyone',
      query: loginQuery,
      fields: { origin: byCookie.origin },
      body: json('Who signs in. `deviceId` is for clients without cookies.', loginBody),
      answers: {
        200: json('A new session.', z.object({ accessToken, refreshToken, expiresIn, user: person }), [
          'cache-control',
        ]),
      },
      failures: ['login-failed', 'sign-in-busy', 'csrf-refused'],
    },
    {
      id: 'refresh',
      method: 'post',
      path: '/api/auth/refresh',
      summary: 'Exchanges a refresh token for its successor and a new access token',
      caller: 'anyone',
      fields: byCookie,
      body: json('The token, unless the browser sends it as a cookie.', refreshBody),
      answers: { 200: json('Both tokens.', z.object({ accessToken, refreshToken, expiresIn }), ['cache-control']) },
      failures: [
        'refresh-missing',
        'refresh-invalid',
        'refresh-reused',
        'refresh-unsettled',
        'session-ended',
        'session-expired',
        'csrf-refused',
      ],
    },
    {
      id: 'logout',
      method: 'post',
      path: '/api/auth/logout',
      summary: 'Ends this session; a live access token or a valid refresh token is enough',
      caller: 'anyone',
      fields: { ...byCookie, authorization: 'The access token, if there is one. The body is not read then.' },
      body: json('The refresh token, where there is no access token and no cookie.', logoutBody),
      answers: { 204: nothing('The session is over.') },
      failures: [
        'refresh-missing',
        'refresh-invalid',
        'session-ended',
        'session-expired',
        'csrf-refused',
        'token-invalid',
        'authorization-malformed',
        'unauthenticated',
        'forbidden',
      ],
    },
    {
      id: 'logoutAll',
      method: 'post',
      path: '/api/auth/logout-all',
      summary: "Ends all of the caller's sessions",
      caller: 'signed-in',
      answers: { 200: json('How many.', acted) },
    },
    {
      id: 'csrfToken',
      method: 'get',
      path: '/api/auth/csrf',
      summary: "The CSRF token of the browser's session, also as the cookie `__Host-csrf`",
      caller: 'anyone',
      answers: { 200: json('The token.', z.object({ csrfToken: z.string() }), ['cache-control', 'set-cookie']) },
      failures: ['refresh-missing'],
    },
    {
      id: 'me',
      method: 'get',
      path: '/api/auth/me',
      summary: 'Who the caller is',
      caller: 'signed-in',
      answers: { 200: json('The caller.', person) },
    },
    {
      id: 'changePassword',
      method: 'post',
      path: '/api/auth/password',
      summary: 'Changes the own password and ends all other sessions',
      caller: 'signed-in',
      body: json('Both passwords.', passwordBody),
      answers: { 204: nothing('It is changed.') },
      failures: ['password-wrong', 'password-refused', 'sign-in-busy'],
    },
    {
      id: 'stepUp',
      method: 'post',
      path: '/api/auth/step-up',
      summary: 'Proves again who calls, for what needs a fresh sign-in',
      caller: 'signed-in',
      body: json('The password.', stepUpBody),
      answers: { 204: nothing('The session counts as fresh.') },
      failures: ['password-wrong', 'sign-in-busy'],
    },
    {
      id: 'resetPassword',
      method: 'post',
      path: '/api/auth/reset',
      summary: 'Sets a password with the one-time link that `npm run user -- reset` prints',
      caller: 'anyone',
      body: json('The secret of the link, and the password.', resetBody),
      answers: { 204: nothing('It is set; all sessions are over.') },
      failures: ['reset-invalid', 'password-refused', 'sign-in-busy'],
    },
    {
      id: 'jwks',
      method: 'get',
      path: '/.well-known/jwks.json',
      summary: 'The public keys that verify access tokens (RFC 7517)',
      caller: 'anyone',
      fields: { 'if-none-match': 'The ETag of the keys that are known.' },
      answers: {
        200: {
          about: 'The keys.',
          types: ['application/jwk-set+json'],
          schema: z.object({
            keys: z.array(
              z.object({
                kty: z.literal('OKP'),
                crv: z.literal('Ed25519'),
                x: z.string(),
                kid: z.string(),
                alg: z.string(),
                use: z.literal('sig'),
              }),
            ),
          }),
          headers: ['etag', 'cache-control'],
        },
        304: nothing('They are the same.'),
      },
    },
  ],
};
