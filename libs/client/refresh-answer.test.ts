import { expect, it } from 'vitest';
import { judgeRefresh } from './refresh-answer.ts';
import { json, problem } from './testing/fake-server.ts';

const html = (status: number, headers: Record<string, string> = {}): Response =>
  new Response('<h1>from a proxy</h1>', { status, headers: { 'content-type': 'text/html', ...headers } });

it.each([
  ['200 with tokens', json({ accessToken: 'a', expiresIn: 600 }), 'refreshed'],
  ['401 refresh-invalid', problem(401, 'refresh-invalid'), 'ended'],
  ['401 refresh-reused', problem(401, 'refresh-reused'), 'ended'],
  ['401 session-ended', problem(401, 'session-ended'), 'ended'],
  ['401 session-expired', problem(401, 'session-expired'), 'ended'],
  ['400 refresh-missing', problem(400, 'refresh-missing'), 'ended'],
  ['401 of a proxy', html(401), 'delayed'],
  ['401 with another problem', problem(401, 'unauthenticated'), 'delayed'],
  ['400 with another problem', problem(400, 'request-malformed'), 'delayed'],
  ['400 of a proxy', html(400), 'delayed'],
  ['403 csrf-refused', problem(403, 'csrf-refused'), 'delayed'],
  ['403 of a proxy', html(403), 'delayed'],
  ['404 of a proxy', html(404), 'delayed'],
  ['407', html(407), 'delayed'],
  ['408', problem(408, 'request-slow'), 'delayed'],
  ['425', html(425), 'delayed'],
  ['429', problem(429, 'limit-exceeded', { 'retry-after': '7' }), 'delayed'],
  ['500', problem(500, 'bug'), 'delayed'],
  ['502', html(502), 'delayed'],
  ['503', problem(503, 'refresh-unsettled'), 'delayed'],
  ['504', html(504), 'delayed'],
  ['a code of signing out under another status', problem(503, 'session-ended'), 'delayed'],
])('%s is judged', async (_what, answer, kind) => {
  expect((await judgeRefresh(answer)).kind).toBe(kind);
});

it.each([
  ['no JSON', new Response('{"access', { headers: { 'content-type': 'application/json' } })],
  ['no token', json({})],
  ['null', json(null)],
])('a success that is unreadable (%s) is no answer', async (_what, answer) => {
  await expect(judgeRefresh(answer)).rejects.toThrow(/JSON|token/);
});
