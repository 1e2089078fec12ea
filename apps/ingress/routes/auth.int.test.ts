import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { makeUser, openClient, PASSWORD, type Answer, type SendRequest } from '../testing/people.ts';
import { startIngress, type StartedIngress } from '../testing/start-ingress.ts';

const DEVICE = 'device-of-the-owner';
const THIEF = 'device-of-the-thief';

let database: TestDatabase;
let ingress: StartedIngress;
/** A second process in front of the same database. */
let second: StartedIngress;
beforeAll(async () => {
  database = await openTestDatabase();
  const env = { DATABASE_URL: database.url, TRUST_PROXY: '127.0.0.1/32' };
  [ingress, second] = await Promise.all([startIngress(env), startIngress(env)]);
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let n = 0;
let email = '';
let userId = '';
let send: SendRequest;
let sendSecond: SendRequest;
let login: Answer;
beforeEach(async () => {
  n += 1;
  email = `person-${n}@example.com`;
  userId = (await makeUser(database.pool, { email })).id;
  send = openClient(ingress.origin);
  sendSecond = openClient(second.origin);
  login = await signIn(send);
});

const signIn = (by: SendRequest, more: Record<string, unknown> = {}): Promise<Answer> =>
  by('/api/auth/login', { body: { email, password: PASSWORD, deviceId: DEVICE, ...more } });
const refresh = (refreshToken: string, { by = send, deviceId = DEVICE } = {}): Promise<Answer> =>
  by('/api/auth/refresh', { body: { refreshToken, deviceId } });
const me = (token: string, by = send): Promise<Answer> => by('/api/auth/me', { token });
const sessionId = (): string => login.body.refreshToken.split('.')[2];
const row = async () =>
  (await database.pool.query('select * from refresh_token where session_id = $1', [sessionId()])).rows[0];
const isLive = async (): Promise<boolean> => (await row()).ended_at === null;
const events = async (type: string) =>
  (await database.pool.query('select * from security_event where type = $1 and target_id = $2', [type, sessionId()]))
    .rows;
/** Moves the last rotation into the past. */
const age = (seconds: number) =>
  database.pool.query(
    'update refresh_token set rotated_at = rotated_at - make_interval(secs => $2) where session_id = $1',
    [sessionId(), seconds],
  );

describe('sign-in', () => {
  it('answers with both tokens, how long the first is good, and who signed in', () => {
    expect(login).toMatchObject({
      status: 200,
      body: { expiresIn: 600, user: { id: userId, email, name: 'Test Person', role: 'user' } },
    });
    expect(Object.keys(login.body).toSorted()).toEqual(['accessToken', 'expiresIn', 'refreshToken', 'user']);
    expect(login.headers.get('cache-control')).toBe('no-store');
    expect(login.headers.get('etag')).toBeNull();
    expect(login.headers.getSetCookie()).toEqual([]);
  });

  it('gives an access token that is good on every process', async () => {
    for (const by of [send, sendSecond]) {
      expect(await me(login.body.accessToken, by)).toMatchObject({ status: 200, body: { id: userId, email } });
    }
  });

  it('keeps hashes only', async () => {
    const { rows } = await database.pool.query(
      'select row_to_json(r)::text as text from refresh_token r where user_id = $1',
      [userId],
    );
    expect(rows[0].text).not.toContain(login.body.refreshToken.split('.')[4]);
  });

  it('takes the password under any composition, and the address in any case', async () => {
    expect(await signIn(send, { email: email.toUpperCase() })).toMatchObject({ status: 200 });
  });

  it('renews a hash that was made with weaker parameters, and only then', async () => {
    const { hash } = await import('@node-rs/argon2');
    const weak = await hash(PASSWORD, { memoryCost: 8_192, timeCost: 1 });
    const hashOf = async () =>
      (await database.pool.query('select password_hash from app_user where id = $1', [userId])).rows[0].password_hash;
    await database.pool.query('update app_user set password_hash = $2 where id = $1', [userId, weak]);
    expect(await signIn(send)).toMatchObject({ status: 200 });
    const renewed = await hashOf();
    expect(renewed).toMatch(/m=19456,t=2,p=1/);
    expect(await signIn(send)).toMatchObject({ status: 200 });
    expect(await hashOf()).toBe(renewed);
  });
});

describe('a sign-in that fails', () => {
  it('tells nothing: the same bytes for an unknown, a disabled and a password-less account and for a wrong password', async () => {
    const disabled = (await makeUser(database.pool, { email: `disabled-${n}@example.com` })).id;
    await database.pool.query('update app_user set disabled_at = now() where id = $1', [disabled]);
    const bare = (await makeUser(database.pool, { email: `bare-${n}@example.com` })).id;
    await database.pool.query('update app_user set password_hash = null where id = $1', [bare]);
    const headers = { 'x-request-id': 'one-id-for-all' };
    const attempts = [
      { email, password: 'not the password of anyone' },
      { email: `unknown-${n}@example.com`, password: PASSWORD },
      { email: `disabled-${n}@example.com`, password: PASSWORD },
      { email: `bare-${n}@example.com`, password: PASSWORD },
    ];
    const answers = await Promise.all(attempts.map((body) => send('/api/auth/login', { body, headers })));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ code: 'login-failed' });
    const sent = answers.map((answer) => [...answer.headers].filter(([name]) => !['date', 'ratelimit'].includes(name)));
    for (const headersOf of sent) expect(headersOf).toEqual(sent[0]);
  });

  it('leaves an event with the reason, and no address or password in it', async () => {
    await send('/api/auth/login', { body: { email, password: 'my secret typed too early' } });
    const { rows } = await database.pool.query(
      `select row_to_json(e)::text as text from security_event e where type = 'login.failed' and target_id = $1`,
      [userId],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].text).toContain('"reason": "wrong"');
    expect(rows[0].text).not.toContain('typed too early');
    expect(rows[0].text).not.toContain(email);
  });
});

describe('a refresh', () => {
  it('exchanges a token for its successor and a fresh access token', async () => {
    const refreshed = await refresh(login.body.refreshToken);
    expect(refreshed.status).toBe(200);
    expect(Object.keys(refreshed.body).toSorted()).toEqual(['accessToken', 'expiresIn', 'refreshToken']);
    expect(refreshed.body.refreshToken).not.toBe(login.body.refreshToken);
    expect(refreshed.headers.get('cache-control')).toBe('no-store');
    expect(await me(refreshed.body.accessToken)).toMatchObject({ status: 200 });
  });

  it.each<[string, unknown, number, string]>([
    ['nothing at all', {}, 400, 'refresh-missing'],
    ['null', { refreshToken: null }, 422, 'body-invalid'],
    ['a number', { refreshToken: 5 }, 422, 'body-invalid'],
    ['an unknown key', { refreshToken: 'x', userId: 'y' }, 422, 'body-invalid'],
    ['garbage', { refreshToken: 'garbage' }, 401, 'refresh-invalid'],
    ['an access token', { refreshToken: 'eyJhbGciOiJFZERTQSJ9.e30.AAAA' }, 401, 'refresh-invalid'],
    ['1,025 characters', { refreshToken: 'v'.repeat(1_025) }, 422, 'body-invalid'],
  ])('without a token of ours is refused: %s', async (_, body, status, code) => {
    expect(await send('/api/auth/refresh', { body })).toMatchObject({ status, body: { code } });
  });

  it("ends nobody's session by a token that only names it", async () => {
    const parts: string[] = login.body.refreshToken.split('.');
    const forged = [
      parts.with(0, 'v0'),
      parts.with(3, '5'),
      parts.with(4, 'A'.repeat(43)),
      parts.with(5, 'A'.repeat(22)),
      parts.slice(0, 5),
    ];
    for (const token of forged) {
      expect(await refresh(token.join('.'))).toMatchObject({ status: 401, body: { code: 'refresh-invalid' } });
    }
    expect(await isLive()).toBe(true);
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 200 });
  });

  it('that lost its answer is answered again, with the same successor', async () => {
    const first = await refresh(login.body.refreshToken);
    const again = await refresh(login.body.refreshToken, { by: sendSecond });
    expect(again).toMatchObject({ status: 200, body: { refreshToken: first.body.refreshToken } });
    expect(again.body.accessToken).not.toBe(first.body.accessToken);
    expect((await row()).generation).toBe(1);
  });

  it('is answered again until the grace period is over, which the repeats do not prolong', async () => {
    await refresh(login.body.refreshToken);
    await age(28);
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 200 });
    await age(3);
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'refresh-reused' } });
  });

  it('is answered again no more than 20 times after the first burst', async () => {
    await refresh(login.body.refreshToken);
    await age(6);
    for (let time = 0; time < 20; time += 1)
      expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 200 });
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'refresh-reused' } });
  });

  it('is not answered again once the successor was used', async () => {
    const first = await refresh(login.body.refreshToken);
    await refresh(first.body.refreshToken);
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'refresh-reused' } });
  });

  it('is taken for theft from another device, also within the grace period', async () => {
    await refresh(login.body.refreshToken);
    expect(await refresh(login.body.refreshToken, { deviceId: THIEF })).toMatchObject({
      status: 401,
      body: { code: 'refresh-reused' },
    });
    expect(await isLive()).toBe(false);
  });

  it('adopts no other device, whoever was the first to use the token', async () => {
    const first = await refresh(login.body.refreshToken, { deviceId: THIEF });
    expect(first.status).toBe(200);
    expect(await refresh(login.body.refreshToken)).toMatchObject({
      status: 200,
      body: { refreshToken: first.body.refreshToken },
    });
    expect(await refresh(login.body.refreshToken, { deviceId: THIEF })).toMatchObject({
      status: 401,
      body: { code: 'refresh-reused' },
    });
  });

  it('moves the idle end, and never the absolute one', async () => {
    const before = await row();
    await database.pool.query(
      `update refresh_token set idle_expires_at = now() + interval '1 minute' where session_id = $1`,
      [sessionId()],
    );
    await refresh(login.body.refreshToken);
    const after = await row();
    expect(after.absolute_expires_at).toEqual(before.absolute_expires_at);
    expect(after.idle_expires_at.getTime()).toBeGreaterThan(before.idle_expires_at.getTime() - 1_000);
  });

  it.each([['idle_expires_at'], ['absolute_expires_at']])('is refused past %s', async (column) => {
    await database.pool.query(
      `update refresh_token set ${column} = now() - interval '1 second' where session_id = $1`,
      [sessionId()],
    );
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'session-expired' } });
    expect(await events('refresh.reused')).toEqual([]);
  });
});

describe('a refresh token that is used again', () => {
  it('ends the session, its tokens and everything that came of them, with one critical event', async () => {
    const current = await refresh((await refresh(login.body.refreshToken)).body.refreshToken);
    const replays = await Promise.all(
      Array.from({ length: 20 }, () => refresh(login.body.refreshToken, { deviceId: THIEF })),
    );
    expect(new Set(replays.map(({ status }) => status))).toEqual(new Set([401]));
    expect(replays.map(({ body }) => body.code)).toContain('refresh-reused');
    expect(await me(current.body.accessToken)).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
    expect(await refresh(current.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
    const recorded = await events('refresh.reused');
    expect(recorded).toHaveLength(1);
    expect(recorded[0]).toMatchObject({
      severity: 'critical',
      details: { userId, presentedGeneration: 0, currentGeneration: 2, sameDevice: false, presenterDevice: 'node' },
    });
    expect(recorded[0].address_prefix).toMatch(/^198\.18\.\d+\.\d+\/32$/);
  });

  it('is noticed for as long as the session lives', async () => {
    await refresh((await refresh(login.body.refreshToken)).body.refreshToken);
    await age(13 * 86_400);
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'refresh-reused' } });
  });

  it('is noticed when thief and owner take turns, one generation apart', async () => {
    // The thief holds the first token; the owner has moved on. Minutes lie between the turns.
    const owner = await refresh(login.body.refreshToken);
    await age(120);
    expect(await refresh(login.body.refreshToken, { deviceId: THIEF })).toMatchObject({ status: 401 });
    expect(await refresh(owner.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
  });

  it('is noticed on one device as well, at the next turn of whoever comes second', async () => {
    const thief = await refresh(login.body.refreshToken);
    await age(31);
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'refresh-reused' } });
    expect(await refresh(thief.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
  });
});

describe('sign-out', () => {
  it('by access token ends this session, on every process within a second', async () => {
    await me(login.body.accessToken, sendSecond);
    expect(await send('/api/auth/logout', { method: 'POST', token: login.body.accessToken })).toMatchObject({
      status: 204,
      text: '',
    });
    expect(await me(login.body.accessToken)).toMatchObject({ status: 401 });
    await sleep(1_000);
    expect(await me(login.body.accessToken, sendSecond)).toMatchObject({
      status: 401,
      body: { code: 'token-invalid' },
    });
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
    expect(await events('session.ended')).toMatchObject([{ details: { reason: 'logout', userId } }]);
  });

  it('by refresh token ends this session', async () => {
    expect(await send('/api/auth/logout', { body: { refreshToken: login.body.refreshToken } })).toMatchObject({
      status: 204,
    });
    expect(await isLive()).toBe(false);
    expect(await me(login.body.accessToken)).toMatchObject({ status: 401 });
  });

  it('by the parent of the current token ends it too, for a client that lost an answer', async () => {
    await refresh(login.body.refreshToken);
    expect(await send('/api/auth/logout', { body: { refreshToken: login.body.refreshToken } })).toMatchObject({
      status: 204,
    });
    expect(await isLive()).toBe(false);
  });

  it('by a token long used is a replay', async () => {
    await refresh((await refresh(login.body.refreshToken)).body.refreshToken);
    expect(await send('/api/auth/logout', { body: { refreshToken: login.body.refreshToken } })).toMatchObject({
      status: 401,
      body: { code: 'refresh-reused' },
    });
    expect(await events('refresh.reused')).toHaveLength(1);
  });

  it.each([
    ['nothing', {}, 400, 'refresh-missing'],
    ['garbage', { refreshToken: 'x' }, 401, 'refresh-invalid'],
  ])('by %s ends nothing', async (_, body, status, code) => {
    expect(await send('/api/auth/logout', { body })).toMatchObject({ status, body: { code } });
    expect(await isLive()).toBe(true);
  });

  it('of all sessions ends them all and counts them', async () => {
    const other = await signIn(send);
    const answer = await send('/api/auth/logout-all', { method: 'POST', token: login.body.accessToken });
    expect(answer).toMatchObject({ status: 200, body: { message: expect.any(String), count: 2 } });
    for (const { body } of [login, other]) expect(await me(body.accessToken)).toMatchObject({ status: 401 });
    expect(await signIn(send)).toMatchObject({ status: 200 });
  });
});

describe('a sign-in in spite of others', () => {
  it('is refused from the sixth attempt on, also with the right password, and says when to come back', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await signIn(send, { password: 'wrong, wrong, wrong' })).toMatchObject({ status: 401 });
    }
    const wrong = await signIn(openClient(ingress.origin), { password: 'wrong, wrong, wrong' });
    const right = await signIn(openClient(second.origin));
    expect([wrong.status, right.status]).toEqual([429, 429]);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(850);
    expect(right.body).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      code: 'limit-exceeded',
    });
    const { rows } = await database.pool.query(
      `select type, count(*)::int from security_event where target_id = $1 and type like 'login.%' group by type order by type`,
      [userId],
    );
    expect(rows).toEqual([
      { type: 'login.failed', count: 5 },
      { type: 'login.locked', count: 1 },
    ]);
  });

  it('is counted for unknown accounts in the same way', async () => {
    const attempts = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      attempts.push((await signIn(send, { email: `nobody-${n}@example.com` })).status);
    }
    expect(attempts).toEqual([401, 401, 401, 401, 401, 429]);
  });

  it('lets at most five of a hundred at once reach the password', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        signIn(openClient((index % 2 === 0 ? ingress : second).origin), { password: 'wrong, wrong, wrong' }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(95);
  });

  it('is not reset by a refresh, by the sign-in of another account or by one success', async () => {
    await makeUser(database.pool, { email: `other-${n}@example.com` });
    for (let attempt = 0; attempt < 4; attempt += 1) await signIn(send, { password: 'wrong, wrong, wrong' });
    await refresh(login.body.refreshToken);
    await signIn(send, { email: `other-${n}@example.com` });
    expect(await signIn(send)).toMatchObject({ status: 200 });
    expect(await signIn(send, { password: 'wrong, wrong, wrong' })).toMatchObject({ status: 401 });
    expect(await signIn(send)).toMatchObject({ status: 429 });
  });

  it('works again when the window is over', async () => {
    for (let attempt = 0; attempt < 6; attempt += 1) await signIn(send, { password: 'wrong, wrong, wrong' });
    await database.pool.query(`update limiter_counter set expires_at = now() - interval '1 second'`);
    expect(await signIn(send)).toMatchObject({ status: 200 });
  });
});

it('counts sign-ins and refreshes by outcome, allowed replays apart from refused ones', async () => {
  await refresh(login.body.refreshToken);
  await refresh(login.body.refreshToken);
  await refresh(login.body.refreshToken, { deviceId: THIEF });
  await signIn(send, { password: 'wrong, wrong, wrong' });
  const text = await (await fetch(`${ingress.origin}/metrics`)).text();
  for (const outcome of ['rotated', 'repeated', 'refresh-reused', 'refresh-invalid']) {
    expect(text).toMatch(new RegExp(`portcullis_refreshes_total\\{outcome="${outcome}"\\} [1-9]`));
  }
  expect(text).toMatch(/portcullis_sign_ins_total\{outcome="login-failed"\} [1-9]/);
  expect(text).toContain('portcullis_password_hashes{state="waiting"} 0');
});
