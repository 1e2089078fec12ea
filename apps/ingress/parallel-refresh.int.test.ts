import { expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';
import { startProcess } from '#testing/process.ts';
import { testSecrets } from '#testing/secrets.ts';
import { makeUser, openClient, PASSWORD } from './testing/people.ts';

const CALLERS = 500;

it('500 parallel refreshes of one token over two processes have one successor, and nobody is signed out', async () => {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const database = stack.use(await openTestDatabase());
  const env = {
    DATABASE_URL: database.url,
    TRUST_PROXY: '127.0.0.1/32',
    HOST: '127.0.0.1',
    PORT: '0',
    ...testSecrets,
  };
  const started = await Promise.all([1, 2].map(() => startProcess('apps/ingress/main.ts', { env })));
  for (const ingress of started) stack.use(ingress);
  expect(new Set(started.map(({ pid }) => pid)).size).toBe(2);

  const email = 'many@example.com';
  const { id } = await makeUser(database.pool, { email });
  const clients = started.map(({ origin }) => openClient(origin, '198.18.0.1'));
  const send = (n: number): (typeof clients)[number] => clients[n % 2]!;
  const login = await send(0)('/api/auth/login', { body: { email, password: PASSWORD } });
  const { refreshToken } = login.body;
  const answers = await Promise.all(
    Array.from({ length: CALLERS }, (_, n) => send(n)('/api/auth/refresh', { body: { refreshToken } })),
  );
  expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([]);
  const successors = new Set(answers.map(({ body }) => body.refreshToken));
  expect(successors.size).toBe(1);
  expect(successors.has(refreshToken)).toBe(false);

  const { rows } = await database.pool.query(
    `select (select count(*)::int from security_event where type = 'refresh.reused') as reused,
       generation, ended_at, late_replays from refresh_token where user_id = $1`,
    [id],
  );
  expect(rows).toEqual([{ reused: 0, generation: 1, ended_at: null, late_replays: 0 }]);
  const [successor] = successors;
  const next = await send(1)('/api/auth/refresh', { body: { refreshToken: successor } });
  expect(next.status).toBe(200);
  expect((await send(0)('/api/auth/me', { token: next.body.accessToken })).status).toBe(200);
}, 60_000);
