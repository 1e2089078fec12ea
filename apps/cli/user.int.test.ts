import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verify } from '@node-rs/argon2';
import { signIn } from '#access/sign-in.ts';
import { createUser } from '#access/users.ts';
import { openTestAccess, TEST_PASSWORD, testClient } from '#testing/access.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

function user(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['apps/cli/user.ts', ...args],
      { env: { DATABASE_URL: database.url, DATA_DIR: '/nonexistent', PUBLIC_URL: 'https://in.example.com' } },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}
const row = async (email: string) =>
  (await database.pool.query('select * from app_user where email = $1', [email])).rows[0];

it('creates a user with a link to set a password, or with a password that is read', async () => {
  const made = await user(['create', 'Anna@Example.com', '--name', 'Anna', '--role', 'agent']);
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(made.out).toMatch(
    /^created anna@example\.com \(agent\)\nhttps:\/\/in\.example\.com\/console\/reset#[\w-]{43}\n$/,
  );
  expect((await row('anna@example.com')).password_hash).toBeNull();
  const read = await user(
    ['create', 'bert@example.com', '--name', 'Bert', '--password-stdin'],
    'otters juggle at night\n',
  );
  expect(read).toEqual({ code: 0, err: '', out: 'created bert@example.com (user)\n' });
  expect(await verify((await row('bert@example.com')).password_hash, 'otters juggle at night')).toBe(true);
  expect((await user(['list'])).out).toBe('anna@example.com  agent\nbert@example.com  user\n');
});

it('disables, enables, and sets a password', async () => {
  await user(['create', 'carl@example.com', '--name', 'Carl']);
  expect(await user(['disable', 'carl@example.com'])).toMatchObject({ code: 0 });
  expect((await row('carl@example.com')).disabled_at).not.toBeNull();
  expect((await user(['list'])).out).toContain('carl@example.com  user  disabled');
  expect(await user(['enable', 'carl@example.com'])).toMatchObject({ code: 0 });
  expect((await row('carl@example.com')).disabled_at).toBeNull();
  expect(await user(['password', 'carl@example.com'], 'badgers paint by moonlight')).toMatchObject({ code: 0 });
  expect(await verify((await row('carl@example.com')).password_hash, 'badgers paint by moonlight')).toBe(true);
});

it('ends the sessions of one user, or of everyone', async () => {
  const access = openTestAccess(database.pool);
  const emails = ['finn@example.com', 'gina@example.com'];
  for (const email of emails) {
    await createUser(access, { email, name: 'X', role: 'user', password: TEST_PASSWORD }, { actorKind: 'system' });
    for (let time = 0; time < 2; time += 1) {
      await signIn(access, { email, password: TEST_PASSWORD, client: testClient });
    }
  }
  expect(await user(['sign-out', 'finn@example.com'])).toEqual({ code: 0, err: '', out: '2 sessions have ended\n' });
  expect(await user(['sign-out', '--everyone'])).toEqual({ code: 0, err: '', out: '2 sessions have ended\n' });
  expect(await user(['sign-out', '--everyone'])).toEqual({ code: 0, err: '', out: '0 sessions have ended\n' });
});

it('prints a link that works once, for an hour', async () => {
  await user(['create', 'dora@example.com', '--name', 'Dora']);
  const { out, code } = await user(['reset', 'dora@example.com']);
  expect(code).toBe(0);
  expect(out).toMatch(/^https:\/\/in\.example\.com\/console\/reset#[\w-]{43}\n$/);
  const { rows } = await database.pool.query(
    `select extract(epoch from expires_at - now())::int as seconds from password_reset where user_id = $1`,
    [(await row('dora@example.com')).id],
  );
  expect(rows).toHaveLength(1);
  expect(rows[0].seconds).toBeGreaterThan(3_500);
});

it('leaves an event of the system for each act', async () => {
  const { rows } = await database.pool.query(
    `select distinct type from security_event where actor_kind = 'system' and target_kind = 'user' order by type`,
  );
  expect(rows.map(({ type }) => type)).toEqual([
    'password.changed',
    'reset.issued',
    'user.created',
    'user.disabled',
    'user.enabled',
  ]);
});

it.each<[string, string[], string, number, RegExp]>([
  ['no command', [], '', 2, /npm run user/],
  ['an unknown command', ['delete', 'anna@example.com'], '', 2, /npm run user/],
  ['no address', ['disable'], '', 2, /e-mail address/],
  ['an unknown user', ['disable', 'nobody@example.com'], '', 2, /there is no user/],
  ['another role', ['create', 'eve@example.com', '--name', 'Eve', '--role', 'root'], '', 2, /--role is one of/],
  ['a taken address', ['create', 'anna@example.com', '--name', 'Anna'], '', 1, /email-taken/],
  ['a short password', ['create', 'eve@example.com', '--name', 'Eve', '--password-stdin'], 'short\n', 1, /too short/],
])('refuses %s', async (_, args, input, code, message) => {
  const answer = await user(args, input);
  expect(answer.code).toBe(code);
  expect(answer.err).toMatch(message);
});
