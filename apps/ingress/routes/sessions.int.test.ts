import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#runtime/id.ts';
import { openClient } from '../testing/people.ts';
import { signedIn, signInAgain, useTwoIngresses, type Person } from '../testing/two-ingresses.ts';

const ingresses = useTwoIngresses({ SESSIONS_PER_USER: '4' });
let me: Person;
let other: Person;
beforeEach(async () => {
  me = await signedIn(ingresses);
  other = await signedIn(ingresses);
});

const list = (person: Person) => person.send('/api/sessions', { token: person.accessToken });
const end = (person: Person, id: string) =>
  person.send(`/api/sessions/${id}`, { method: 'DELETE', token: person.accessToken });
const statusOf = async (person: Person, origin = ingresses.first.origin): Promise<number> =>
  (await openClient(origin)('/api/auth/me', { token: person.accessToken })).status;
const events = async (type: string, target: string) =>
  (
    await ingresses.database.pool.query('select * from security_event where type = $1 and target_id = $2', [
      type,
      target,
    ])
  ).rows;
/** Made earlier by the clock of the database, so that it comes first when sessions are ended. */
const older = (person: Person) =>
  ingresses.database.pool.query(`update user_session set created_at = created_at - interval '1 hour' where id = $1`, [
    person.sessionId,
  ]);

describe('the list of sessions', () => {
  it('shows the live sessions of the caller, newest first, and which one is at hand', async () => {
    const phone = await signInAgain({ ...me, send: openClient(ingresses.first.origin, '2001:db8:aaaa:bb42::7') });
    const answer = await list(me);
    expect(answer.status).toBe(200);
    expect(answer.body.nextCursor).toBeNull();
    expect(answer.body.items).toEqual([
      {
        id: phone.sessionId,
        device: 'node',
        addressPrefix: '2001:db8:aaaa:bb00::/56',
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        lastUsedAt: expect.stringMatching(/Z$/),
        method: 'password',
        current: false,
      },
      expect.objectContaining({ id: me.sessionId, current: true }),
    ]);
  });

  it('holds nothing that could be used to sign in, and nobody else', async () => {
    const { text, headers } = await list(me);
    for (const secret of [me.refreshToken.split('.')[4], me.accessToken, other.sessionId, other.id]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/hash|secret|token/i);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('etag')).toBeNull();
  });

  it('leaves out what is ended or expired', async () => {
    const [idle, absolute, ended] = [await signInAgain(me), await signInAgain(me), await signInAgain(me)];
    const { pool } = ingresses.database;
    await pool.query(`update refresh_token set idle_expires_at = now() where session_id = $1`, [idle.sessionId]);
    await pool.query(`update refresh_token set absolute_expires_at = now() where session_id = $1`, [
      absolute.sessionId,
    ]);
    await ended.send('/api/auth/logout', { method: 'POST', token: ended.accessToken });
    expect((await list(me)).body.items.map(({ id }: { id: string }) => id)).toEqual([me.sessionId]);
  });

  it('comes in pages', async () => {
    await signInAgain(me);
    await signInAgain(me);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '?limit=1' : `?limit=1&cursor=${cursor}`;
      const page = await me.send(`/api/sessions${query}`, { token: me.accessToken });
      seen.push(...page.body.items.map(({ id }: { id: string }) => id));
      cursor = page.body.nextCursor;
    }
    expect(new Set(seen).size).toBe(3);
  });

  it.each(['?limit=0', '?limit=201', '?limit=x', '?limit=1&limit=2', '?cursor=x', '?userId=1', '?__proto__=1'])(
    'refuses the query %s',
    async (query) => {
      const answer = await me.send(`/api/sessions${query}`, { token: me.accessToken });
      expect(answer).toMatchObject({ status: 400, body: { code: 'request-malformed' } });
    },
  );
});

describe('ending one session', () => {
  it('ends it for its owner, on every process within a second', async () => {
    const phone = await signInAgain(me);
    expect(await statusOf(phone, ingresses.second.origin)).toBe(200);
    expect(await end(me, phone.sessionId)).toMatchObject({ status: 204, text: '' });
    expect(await statusOf(phone)).toBe(401);
    await sleep(1_000);
    expect(await statusOf(phone, ingresses.second.origin)).toBe(401);
    expect(await statusOf(me)).toBe(200);
    expect(await events('session.ended', phone.sessionId)).toMatchObject([
      { actor_id: me.id, details: { reason: 'ended-by-owner' } },
    ]);
  });

  it('can be the one at hand', async () => {
    expect(await end(me, me.sessionId)).toMatchObject({ status: 204 });
    expect(await statusOf(me)).toBe(401);
  });

  it('of someone else is the same 404 as an unknown one, and leaves an event in both cases', async () => {
    const unknown = newId();
    const headers = { 'x-request-id': 'one-id-for-both' };
    const [foreign, missing] = await Promise.all(
      [other.sessionId, unknown].map((id) =>
        me.send(`/api/sessions/${id}`, { method: 'DELETE', token: me.accessToken, headers }),
      ),
    );
    expect(foreign).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(missing?.text).toBe(foreign?.text);
    expect(await statusOf(other)).toBe(200);
    for (const id of [other.sessionId, unknown]) {
      expect(await events('session.foreign', id)).toMatchObject([{ severity: 'warning', actor_id: me.id }]);
    }
  });

  it.each([
    ['me'],
    ['%00'],
    ['1'],
    [`'%20or%20'1'='1`],
    ['a'.repeat(7_000)],
    ['00000000-0000-0000-0000-000000000000'],
    ['%7B%22$ne%22:null%7D'],
    ['..%2f..%2fusers'],
  ])('%s is a 404, and never an error', async (id) => {
    expect(await end(me, id)).toMatchObject({ status: 404 });
  });
});

describe('ending the other sessions', () => {
  it('ends all but the one that the access token names, and counts them', async () => {
    const [phone, tablet] = [await signInAgain(me), await signInAgain(me)];
    const answer = await me.send('/api/sessions/terminate-others', { method: 'POST', token: me.accessToken });
    expect(answer).toMatchObject({ status: 200, body: { message: expect.any(String), count: 2 } });
    expect([await statusOf(phone), await statusOf(tablet), await statusOf(me), await statusOf(other)]).toEqual([
      401, 401, 200, 200,
    ]);
    expect(await events('session.ended', phone.sessionId)).toMatchObject([{ details: { reason: 'others-ended' } }]);
  });
});

describe('the number of sessions', () => {
  it('is capped: a further sign-in ends the oldest, with its event', async () => {
    await older(me);
    const further = [];
    for (let time = 0; time < 4; time += 1) further.push(await signInAgain(me));
    expect(await statusOf(me)).toBe(401);
    for (const person of further) expect(await statusOf(person)).toBe(200);
    expect(await events('session.ended', me.sessionId)).toMatchObject([{ details: { reason: 'cap' } }]);
  });

  it('is exactly kept by sign-ins in parallel', async () => {
    await Promise.all(Array.from({ length: 5 }, () => signInAgain(me)));
    const { rows } = await ingresses.database.pool.query(
      `select count(*) filter (where ended_at is null)::int as live,
         count(*) filter (where ended_at is not null)::int as ended
       from refresh_token where user_id = $1`,
      [me.id],
    );
    expect(rows).toEqual([{ live: 4, ended: 2 }]);
  });
});

describe('a change of password', () => {
  const NEXT = 'seven purple hedgehogs dancing';
  const change = (person: Person, body: unknown) =>
    person.send('/api/auth/password', { token: person.accessToken, body });

  it('ends the other sessions and keeps the one at hand, tokens and all', async () => {
    const phone = await signInAgain(me);
    const login = { currentPassword: 'correct horse battery staple 42', newPassword: NEXT };
    expect(await change(me, login)).toMatchObject({ status: 204, text: '' });
    await sleep(1_000);
    for (const { origin } of [ingresses.first, ingresses.second]) {
      expect([await statusOf(me, origin), await statusOf(phone, origin)]).toEqual([200, 401]);
    }
    const refreshed = await me.send('/api/auth/refresh', { body: { refreshToken: me.refreshToken } });
    expect(refreshed.status).toBe(200);
    expect(await me.send('/api/auth/login', { body: { email: me.email, password: NEXT } })).toMatchObject({
      status: 200,
    });
    expect(await events('password.changed', me.id)).toHaveLength(1);
  });

  it.each([
    ['the wrong current password', 'not the current password', NEXT, 403, 'password-wrong'],
    ['a short new one', 'correct horse battery staple 42', 'fourteen chars', 422, 'password-refused'],
    ['a common new one', 'correct horse battery staple 42', 'passwordpassword', 422, 'password-refused'],
    ['a new one that is too long', 'correct horse battery staple 42', 'x1'.repeat(65), 422, 'body-invalid'],
  ])('is refused for %s', async (_, currentPassword, newPassword, status, code) => {
    expect(await change(me, { currentPassword, newPassword })).toMatchObject({ status, body: { code } });
    expect(await statusOf(me)).toBe(200);
    await signInAgain(me);
  });

  it('keeps nobody out who has to think of one new password after the other', async () => {
    const current = { currentPassword: 'correct horse battery staple 42' };
    for (let time = 0; time < 7; time += 1) {
      expect(await change(me, { ...current, newPassword: 'passwordpassword' })).toMatchObject({ status: 422 });
    }
    expect(await change(me, { ...current, newPassword: NEXT })).toMatchObject({ status: 204 });
  });

  it('counts guesses like a sign-in', async () => {
    const guess = { currentPassword: 'not the current password', newPassword: NEXT };
    const statuses = [];
    for (let time = 0; time < 6; time += 1) statuses.push((await change(me, guess)).status);
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429]);
  });
});
