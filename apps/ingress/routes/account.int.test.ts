import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { issueReset } from '#access/reset-password.ts';
import { record } from '#audit/record.ts';
import { openClient, PASSWORD } from '../testing/people.ts';
import { signedIn, signInAgain, useTwoIngresses, type Person } from '../testing/two-ingresses.ts';

const NEXT = 'seven purple hedgehogs dancing';

const ingresses = useTwoIngresses({ STEP_UP_MINUTES: '10' });
let me: Person;
beforeEach(async () => {
  me = await signedIn(ingresses, 'admin');
});

const sql = (text: string, values: unknown[] = []) => ingresses.database.pool.query(text, values);
const post = (path: string, body: unknown) => me.send(path, { token: me.accessToken, body });

describe('step-up, where it is asked for', () => {
  /** A sign-in of more than ten minutes ago. */
  const grow = async (): Promise<void> => {
    await sql(`update user_session set authenticated_at = now() - interval '11 minutes' where id = $1`, [me.sessionId]);
    await sql(`update app_user set sessions_not_before = '-infinity' where id = $1`, [me.id]);
    await sleep(800);
  };

  it.each<[string, string, unknown]>([
    ['POST', '/api/sessions/terminate-others', undefined],
    ['DELETE', '/api/sessions/01930000-0000-7000-8000-000000000001', undefined],
    ['POST', '/api/users', { email: 'x@example.com', name: 'X', role: 'user' }],
    ['PATCH', '/api/users/01930000-0000-7000-8000-000000000001', { role: 'user' }],
    ['DELETE', '/api/users/01930000-0000-7000-8000-000000000001/sessions', undefined],
    ['POST', '/api/tokens', { name: 'x', scopes: ['users:read'] }],
    ['DELETE', '/api/tokens/01930000-0000-7000-8000-000000000001', undefined],
  ])('%s %s needs a fresh sign-in', async (method, path, body) => {
    await grow();
    const answer = await me.send(path, { method, token: me.accessToken, body });
    expect(answer).toMatchObject({ status: 403, body: { code: 'step-up-needed' } });
  });

  it('does not stand in the way of reading, refreshing and signing out', async () => {
    await grow();
    for (const path of ['/api/auth/me', '/api/sessions', '/api/users', '/api/tokens']) {
      expect(await me.send(path, { token: me.accessToken })).toMatchObject({ status: 200 });
    }
    const refreshed = await me.send('/api/auth/refresh', { body: { refreshToken: me.refreshToken } });
    expect(refreshed.status).toBe(200);
    const ended = await me.send('/api/auth/logout', { method: 'POST', token: me.accessToken });
    expect(ended.status).toBe(204);
  });

  it('is passed by the password, at once', async () => {
    await grow();
    const others = () => me.send('/api/sessions/terminate-others', { method: 'POST', token: me.accessToken });
    expect(await others()).toMatchObject({ status: 403 });
    expect(await post('/api/auth/step-up', { password: 'not the password of me' })).toMatchObject({
      status: 403,
      body: { code: 'password-wrong' },
    });
    expect(await post('/api/auth/step-up', { password: PASSWORD })).toMatchObject({ status: 204 });
    expect(await others()).toMatchObject({ status: 200 });
    const { rows } = await sql(
      `select type from security_event where target_id = $1 and type like 'step-up.%' order by occurred_at`,
      [me.sessionId],
    );
    expect(rows.map(({ type }) => type)).toEqual(['step-up.failed', 'step-up.passed']);
  });

  it('passed on one process is known at once to another, which has just refused', async () => {
    await grow();
    const second = openClient(ingresses.second.origin);
    const others = () => second('/api/sessions/terminate-others', { method: 'POST', token: me.accessToken });
    expect(await others()).toMatchObject({ status: 403, body: { code: 'step-up-needed' } });
    expect(await post('/api/auth/step-up', { password: PASSWORD })).toMatchObject({ status: 204 });
    expect(await others()).toMatchObject({ status: 200 });
  });

  it('counts guesses like a sign-in', async () => {
    const statuses = [];
    for (let time = 0; time < 6; time += 1)
      statuses.push((await post('/api/auth/step-up', { password: 'guessed' })).status);
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429]);
  });

  it('brings no session back that a sign-out everywhere has ended', async () => {
    const phone = await signInAgain(me);
    const answers = await Promise.all([
      phone.send('/api/auth/step-up', { token: phone.accessToken, body: { password: PASSWORD } }),
      me.send('/api/auth/logout-all', { method: 'POST', token: me.accessToken }),
    ]);
    expect(answers[1].status).toBe(200);
    await sleep(800);
    expect(await phone.send('/api/auth/me', { token: phone.accessToken })).toMatchObject({ status: 401 });
  });
});

describe('a link to set a password', () => {
  const issue = () =>
    issueReset({ pool: ingresses.database.pool, record }, { userId: me.id, actor: { actorKind: 'system' } });
  const reset = (token: string, newPassword = NEXT) => me.send('/api/auth/reset', { body: { token, newPassword } });
  const login = (password: string) => me.send('/api/auth/login', { body: { email: me.email, password } });

  it('works once, and ends every session', async () => {
    const token = await issue();
    expect(await reset(token)).toMatchObject({ status: 204 });
    expect(await me.send('/api/auth/me', { token: me.accessToken })).toMatchObject({ status: 401 });
    expect(await login(PASSWORD)).toMatchObject({ status: 401 });
    expect(await login(NEXT)).toMatchObject({ status: 200 });
    expect(await reset(token)).toMatchObject({ status: 403, body: { code: 'reset-invalid' } });
  });

  it('works once even when it is used twice at the same time', async () => {
    const token = await issue();
    const answers = await Promise.all([reset(token), reset(token), reset(token)]);
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(2);
  });

  it('is kept as a hash only', async () => {
    const token = await issue();
    const { rows } = await sql(`select encode(secret_hash, 'hex') as hash from password_reset where user_id = $1`, [
      me.id,
    ]);
    expect(rows[0].hash).not.toBe(Buffer.from(token, 'base64url').toString('hex'));
  });

  it.each<[string, (token: string) => Promise<string>]>([
    [
      'an hour later',
      async (token) => {
        await sql(`update password_reset set expires_at = now() where user_id = $1`, [me.id]);
        return token;
      },
    ],
    [
      'after a newer link',
      async (token) => {
        await issue();
        return token;
      },
    ],
    [
      'for a disabled user',
      async (token) => {
        await sql('update app_user set disabled_at = now() where id = $1', [me.id]);
        return token;
      },
    ],
    ['made up', async () => 'A'.repeat(43)],
    ['with bits left over', async (token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`],
    ['cut', async (token) => token.slice(1)],
  ])('does not work %s', async (_, change) => {
    expect(await reset(await change(await issue()))).toMatchObject({ status: 403, body: { code: 'reset-invalid' } });
  });

  it('is not used up by a password that is refused', async () => {
    const token = await issue();
    expect(await reset(token, 'passwordpassword')).toMatchObject({ status: 422, body: { code: 'password-refused' } });
    expect(await reset(token)).toMatchObject({ status: 204 });
  });
});
