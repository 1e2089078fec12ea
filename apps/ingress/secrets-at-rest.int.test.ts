import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashSync } from '@node-rs/bcrypt';
import { importUsers } from '#access/import-users.ts';
import { issueReset } from '#access/reset-password.ts';
import { record } from '#audit/record.ts';
import { isId } from '#runtime/id.ts';
import { testSecrets } from '#testing/secrets.ts';
import { openClient, PASSWORD } from './testing/people.ts';
import { signedIn, signInAgain, useTwoIngresses, type Person } from './testing/two-ingresses.ts';

const NEXT = 'seven purple hedgehogs dancing';
const TYPED_AS_ADDRESS = 'typed-into-the-wrong-field-7f3a';

const ingresses = useTwoIngresses();
/** Everything secret that went over the wire. */
const secrets = new Set<string>([PASSWORD, NEXT, TYPED_AS_ADDRESS, ...Object.values(testSecrets)]);
let dump = '';

const keep = (token: string | undefined): void => {
  if (token === undefined) return;
  secrets.add(token);
  // The parts that are secret, in the forms that a database or a log could hold them in.
  for (const part of token
    .split(/\.|portcullis_[0-9a-f]{32}_/)
    .filter((text) => /^[\w-]{22,}$/.test(text) && !isId(text))) {
    secrets.add(part);
    secrets.add(Buffer.from(part, 'base64url').toString('hex'));
    secrets.add(Buffer.from(part, 'base64url').toString('base64'));
  }
};
const keepAll = (person: Person): void => {
  keep(person.refreshToken.split('.')[4]);
  keep(person.refreshToken);
  keep(person.accessToken);
};

beforeAll(async () => {
  const admin = await signedIn(ingresses, 'admin');
  const { send, accessToken: token } = admin;
  keepAll(admin);
  const login = { email: admin.email, password: PASSWORD };
  const refreshed = await send('/api/auth/refresh', { body: { refreshToken: admin.refreshToken } });
  keep(refreshed.body.refreshToken);
  keep(refreshed.body.refreshToken.split('.')[4]);
  keep(refreshed.body.accessToken);
  const cookies = await send('/api/auth/login?mode=cookie', {
    body: login,
    headers: { origin: 'http://localhost:4000' },
  });
  for (const line of cookies.headers.getSetCookie()) keep(/=([^;]+)/.exec(line)?.[1]?.split('.').at(-2));
  const made = await send('/api/tokens', { token, body: { name: 'x', scopes: ['users:read'] } });
  keep(made.body.token);
  await send('/api/users', { token: made.body.token });
  await send('/api/users', { token: `${made.body.token}x` });
  await send('/api/auth/login', { body: { ...login, email: TYPED_AS_ADDRESS } });
  await send('/api/auth/login', { body: { ...login, email: `${TYPED_AS_ADDRESS}@example.com` } });
  await send('/api/auth/login', { body: `{"password":"${NEXT}",` });
  await send(`/api/auth/me?access_token=${token}`);
  await send('/api/auth/me', { token: `${token}x` });
  await send('/api/auth/refresh', { body: { refreshToken: `${admin.refreshToken}x` } });
  const reset = await issueReset(
    { pool: ingresses.database.pool, record },
    { userId: admin.id, actor: { actorKind: 'system' } },
  );
  keep(reset);
  await send('/api/auth/reset', { body: { token: reset, newPassword: 'passwordpassword' } });
  const other = await signInAgain(admin);
  keepAll(other);
  await send('/api/auth/password', { token, body: { currentPassword: PASSWORD, newPassword: NEXT } });
  await send('/api/auth/refresh', { body: { refreshToken: refreshed.body.refreshToken } });
  await send('/api/auth/refresh', { body: { refreshToken: admin.refreshToken } });
  await importAndSignIn();
  dump = await dumpOf();
});

/** A person of another application, whose hash is dead once they have signed in. */
async function importAndSignIn(): Promise<void> {
  const { pool } = ingresses.database;
  const [email, password] = ['imported@example.com', 'a-weak-one-7d1c'];
  const passwordHash = hashSync(password, 4);
  const user = { email, name: 'X', role: 'user', passwordHash, disabled: false } as const;
  await importUsers({ pool, record }, [user], { actorKind: 'system' });
  await signInAgain({ id: '', email, send: openClient(ingresses.first.origin) }, password);
  secrets.add(password).add(passwordHash).add(passwordHash.slice(-31));
}
afterAll(() => secrets.clear());

/** Every row of every table, as text. */
async function dumpOf(): Promise<string> {
  const { pool } = ingresses.database;
  const tables = await pool.query(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  );
  const parts = [];
  for (const { name } of tables.rows) {
    const { rows } = await pool.query(`select row_to_json(t)::text as text from ${name} t`);
    parts.push(...rows.map(({ text }) => text));
  }
  return parts.join('\n');
}

it('the database holds rows of everything that was done', () => {
  for (const type of ['login.succeeded', 'login.failed', 'refresh.reused', 'token.created', 'password.changed']) {
    expect(dump).toContain(type);
  }
  expect(secrets.size).toBeGreaterThan(20);
});

it('the database holds no password, token, cookie, link or server secret, in any encoding', () => {
  for (const secret of secrets) expect(dump.includes(secret)).toBe(false);
});

it('the logs hold none either', () => {
  const logs = ingresses.first.logged() + ingresses.second.logged();
  for (const secret of secrets) expect(logs.includes(secret)).toBe(false);
});
