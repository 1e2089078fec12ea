import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#runtime/id.ts';
import { openClient, PASSWORD } from '../testing/people.ts';
import { signedIn, signInAgain, useTwoIngresses, type Person } from '../testing/two-ingresses.ts';

const ingresses = useTwoIngresses();
let admin: Person;
let agent: Person;
let user: Person;
beforeEach(async () => {
  admin = await signedIn(ingresses, 'admin');
  agent = await signedIn(ingresses, 'agent');
  user = await signedIn(ingresses, 'user');
});

let n = 0;
const call = (person: Person, path: string, more: { method?: string; body?: unknown } = {}) =>
  person.send(path, { token: person.accessToken, ...more });
const patch = (path: string, body: unknown) => call(admin, path, { method: 'PATCH', body });
const statusOf = async (person: Person, origin = ingresses.first.origin): Promise<number> =>
  (await openClient(origin)('/api/auth/me', { token: person.accessToken })).status;
const typesOf = async (target: string): Promise<string[]> => {
  const { rows } = await ingresses.database.pool.query(
    `select type from security_event where target_id = $1 and actor_id = $2 order by occurred_at`,
    [target, admin.id],
  );
  return rows.map(({ type }) => type);
};

describe('who may', () => {
  it.each([
    ['GET', '/api/users', undefined],
    ['POST', '/api/users', { email: 'x@example.com', name: 'X', role: 'admin' }],
    ['PATCH', '/api/users/:me', { role: 'admin' }],
    ['GET', '/api/users/:me/sessions', undefined],
    ['DELETE', '/api/users/:me/sessions', undefined],
    ['GET', '/api/tokens', undefined],
    ['POST', '/api/tokens', { name: 'x', scopes: ['users:read'] }],
    ['DELETE', '/api/tokens/:me', undefined],
  ])('%s %s: admins only', async (method, path, body) => {
    for (const person of [user, agent]) {
      const answer = await call(person, path.replace(':me', person.id), { method, body });
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    const anonymous = await openClient(ingresses.first.origin)(path, { method, body });
    expect(anonymous).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(anonymous.headers.get('www-authenticate')).toBe('Bearer realm="portcullis"');
  });
});

describe('making a user', () => {
  const fresh = () => {
    n += 1;
    return { email: `New.Person-${n}@Example.com`, name: '  New Person ', role: 'agent', password: PASSWORD };
  };

  it('stores the canonical address, records the act, and lets the user in', async () => {
    const given = fresh();
    const made = await call(admin, '/api/users', { body: given });
    const email = given.email.toLowerCase();
    expect(made).toMatchObject({
      status: 201,
      body: { id: expect.any(String), email, name: 'New Person', role: 'agent', disabledAt: null },
    });
    expect(made.text).not.toMatch(/password|hash/i);
    expect(await typesOf(made.body.id)).toEqual(['user.created']);
    expect(await admin.send('/api/auth/login', { body: { email, password: PASSWORD } })).toMatchObject({ status: 200 });
  });

  it('once for each address, whatever its form', async () => {
    const given = fresh();
    await call(admin, '/api/users', { body: given });
    const again = await call(admin, '/api/users', { body: { ...given, email: given.email.toUpperCase() } });
    expect(again).toMatchObject({ status: 409, body: { code: 'email-taken' } });
  });

  it.each([
    ['a short password', { password: 'too short' }, 'password-refused'],
    [
      'the address as password',
      { password: 'new.person@example.com', email: 'new.person@example.com' },
      'password-refused',
    ],
    ['another role', { role: 'root' }, 'body-invalid'],
    ['a name of control characters', { name: 'a\u001b[31m' }, 'body-invalid'],
    ['no name', { name: ' ' }, 'body-invalid'],
    ['an id', { id: newId() }, 'body-invalid'],
    ['a flag', { isAdmin: true }, 'body-invalid'],
    ['an address in lists', { email: ['a@example.com'] }, 'body-invalid'],
  ])('is refused with %s', async (_, changed, code) => {
    expect(await call(admin, '/api/users', { body: { ...fresh(), ...changed } })).toMatchObject({
      status: 422,
      body: { code },
    });
  });

  it('without a password makes one who can not sign in yet', async () => {
    const { password: _, ...given } = fresh();
    expect(await call(admin, '/api/users', { body: given })).toMatchObject({ status: 201 });
    const login = await admin.send('/api/auth/login', { body: { email: given.email, password: PASSWORD } });
    expect(login).toMatchObject({ status: 401 });
  });
});

describe('changing a user', () => {
  it.each<[string, unknown, string]>([
    ['disabling', { disabled: true }, 'user.disabled'],
    ['lowering the role', { role: 'user' }, 'user.changed'],
    ['raising the role', { role: 'admin' }, 'user.changed'],
    ['a new password', { password: 'another good password here' }, 'password.changed'],
  ])('by %s ends every session at once, on every process within a second', async (_, body, type) => {
    const phone = await signInAgain(agent);
    expect(await statusOf(agent, ingresses.second.origin)).toBe(200);
    expect(await patch(`/api/users/${agent.id}`, body)).toMatchObject({ status: 200 });
    expect([await statusOf(agent), await statusOf(phone)]).toEqual([401, 401]);
    await sleep(1_000);
    expect(await statusOf(agent, ingresses.second.origin)).toBe(401);
    const refreshed = await agent.send('/api/auth/refresh', { body: { refreshToken: agent.refreshToken } });
    expect(refreshed).toMatchObject({ status: 401, body: { code: 'session-ended' } });
    expect(await typesOf(agent.id)).toEqual([type]);
  });

  it('by a new name ends nothing', async () => {
    expect(await patch(`/api/users/${agent.id}`, { name: 'New Name' })).toMatchObject({
      status: 200,
      body: { name: 'New Name' },
    });
    expect(await statusOf(agent)).toBe(200);
  });

  it('keeps a disabled user out until enabled again', async () => {
    await patch(`/api/users/${user.id}`, { disabled: true });
    const login = () => user.send('/api/auth/login', { body: { email: user.email, password: PASSWORD } });
    expect(await login()).toMatchObject({ status: 401, body: { code: 'login-failed' } });
    expect(await patch(`/api/users/${user.id}`, { disabled: false })).toMatchObject({ body: { disabledAt: null } });
    expect(await login()).toMatchObject({ status: 200 });
    expect(await statusOf(user)).toBe(401);
  });

  it.each([
    ['an unknown user', newId(), 404],
    ['no id', 'me', 404],
  ])('that does not exist is a 404: %s', async (_, id, status) => {
    expect(await patch(`/api/users/${id}`, { name: 'x' })).toMatchObject({ status, body: { code: 'not-found' } });
  });

  it.each([[{ email: 'x@example.com' }], [{ disabled: 'yes' }], [{ role: null }], [[]], [{ __proto__x: 1 }]])(
    'is refused with %j',
    async (body) => {
      expect(await patch(`/api/users/${user.id}`, body)).toMatchObject({ status: 422 });
    },
  );

  it('never takes the last admin away', async () => {
    const { pool } = ingresses.database;
    await pool.query(`update app_user set disabled_at = now() where role = 'admin' and id <> $1`, [admin.id]);
    for (const body of [{ disabled: true }, { role: 'agent' }]) {
      const answer = await patch(`/api/users/${admin.id}`, body);
      expect(answer).toMatchObject({ status: 409, body: { code: 'admin-last' } });
    }
    expect(await statusOf(admin)).toBe(200);
  });
});

describe("another user's sessions", () => {
  it('are listed without a token in sight, and ended with a count', async () => {
    await signInAgain(user);
    const listed = await call(admin, `/api/users/${user.id}/sessions`);
    expect(listed.body.items).toHaveLength(2);
    expect(Object.keys(listed.body.items[0]).toSorted()).toEqual([
      'addressPrefix',
      'createdAt',
      'device',
      'id',
      'lastUsedAt',
      'method',
    ]);
    const ended = await call(admin, `/api/users/${user.id}/sessions`, { method: 'DELETE' });
    expect(ended).toMatchObject({ status: 200, body: { message: expect.any(String), count: 2 } });
    expect(await statusOf(user)).toBe(401);
    expect(await typesOf(user.sessionId)).toEqual(['session.ended']);
  });

  it('of nobody are a 404', async () => {
    for (const method of ['GET', 'DELETE']) {
      expect(await call(admin, `/api/users/${newId()}/sessions`, { method })).toMatchObject({ status: 404 });
    }
  });
});

describe('API tokens', () => {
  const make = (body: unknown) => call(admin, '/api/tokens', { body });
  const asProgram = (token: string, path: string, more = {}) => admin.send(path, { token, ...more });

  it('are shown once, work for their scope on every process, and are dead within a second of their end', async () => {
    const made = await make({ name: 'report', scopes: ['users:read'], expiresIn: 3_600 });
    expect(made).toMatchObject({ status: 201, body: { name: 'report', scopes: ['users:read'], lastUsedAt: null } });
    const { id, token } = made.body;
    expect(await asProgram(token, '/api/users')).toMatchObject({ status: 200 });
    const second = openClient(ingresses.second.origin);
    expect(await second('/api/users', { token })).toMatchObject({ status: 200 });
    const listed = await call(admin, '/api/tokens');
    expect(listed.text).not.toContain(token.slice(-43));
    expect(listed.body.items[0]).toMatchObject({ id, lastUsedAt: expect.any(String) });
    expect(await call(admin, `/api/tokens/${id}`, { method: 'DELETE' })).toMatchObject({ status: 204 });
    await sleep(1_000);
    for (const send of [admin.send, second]) {
      expect(await send('/api/users', { token })).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
    }
    expect(await call(admin, `/api/tokens/${id}`, { method: 'DELETE' })).toMatchObject({ status: 404 });
    expect(await typesOf(id)).toEqual(['token.created', 'token.ended']);
  });

  it('open no route that names no scope or another one', async () => {
    const { token } = (await make({ name: 'narrow', scopes: ['uploads:read'] })).body;
    for (const path of ['/api/users', '/api/sessions', '/api/tokens', '/api/auth/me']) {
      const answer = await asProgram(token, path);
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope"');
    }
    const made = await asProgram(token, '/api/tokens', { body: { name: 'more', scopes: ['users:write'] } });
    expect(made).toMatchObject({ status: 403 });
  });

  it('end with their time, and with the standing of who made them', async () => {
    const { pool } = ingresses.database;
    const [expired, orphan] = [
      (await make({ name: 'expired', scopes: ['users:read'] })).body,
      (await make({ name: 'orphan', scopes: ['users:read'] })).body,
    ];
    await pool.query('update api_token set expires_at = now() where id = $1', [expired.id]);
    expect(await asProgram(expired.token, '/api/users')).toMatchObject({ status: 401 });
    await pool.query(`update app_user set role = 'user' where id = $1`, [admin.id]);
    expect(await asProgram(orphan.token, '/api/users')).toMatchObject({ status: 403 });
    await sleep(800);
    await pool.query('update app_user set disabled_at = now() where id = $1', [admin.id]);
    expect(await asProgram(orphan.token, '/api/users')).toMatchObject({ status: 401 });
  });

  it('are refused for every fault alike', async () => {
    const { token } = (await make({ name: 'forged', scopes: ['users:read'] })).body;
    const forged = [
      `${token.slice(0, -1)}${token.endsWith('A') ? 'E' : 'A'}`,
      token.replace(/_[0-9a-f]{32}_/, `_${newId().replaceAll('-', '')}_`),
      `${token}x`,
      'portcullis_',
      'portcullis___proto__',
    ];
    const headers = { 'x-request-id': 'one-id-for-all' };
    const answers = await Promise.all(forged.map((text) => asProgram(text, '/api/users', { headers })));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it.each([
    ['no scope', { scopes: [] }],
    ['an unknown scope', { scopes: ['everything'] }],
    ['a scope twice', { scopes: ['users:read', 'users:read'] }],
    ['a life of ten years', { expiresIn: 315_360_000 }],
    ['a life of no time', { expiresIn: 0 }],
    ['a user of its own', { userId: newId() }],
  ])('are not made with %s', async (_, changed) => {
    const answer = await make({ name: 'x', scopes: ['users:read'], ...changed });
    expect(answer).toMatchObject({ status: 422, body: { code: 'body-invalid' } });
  });
});
