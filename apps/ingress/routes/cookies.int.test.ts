import { beforeEach, describe, expect, it } from 'vitest';
import { makeUser, openClient, PASSWORD, type Answer, type SendRequest } from '../testing/people.ts';
import { useTwoIngresses } from '../testing/two-ingresses.ts';

const OWN = 'http://localhost:4000';
const CLIENT = 'http://localhost:5173';

const ingresses = useTwoIngresses();
let n = 0;
let email = '';
let browser: Browser;
let login: Answer;
beforeEach(async () => {
  n += 1;
  email = `browser-${n}@example.com`;
  await makeUser(ingresses.database.pool, { email });
  browser = new Browser(openClient(ingresses.first.origin));
  login = await browser.signIn();
});

/** Keeps cookies as a browser does, and says where a request comes from. */
class Browser {
  readonly jar = new Map<string, string>();
  readonly #send: SendRequest;

  constructor(send: SendRequest) {
    this.#send = send;
  }

  async post(path: string, body: unknown = {}, headers: Record<string, string> = fromOwnPage): Promise<Answer> {
    return this.#keep(await this.#send(path, { body, headers: { ...headers, ...this.#cookies() } }));
  }

  async get(path: string): Promise<Answer> {
    return this.#keep(await this.#send(path, { headers: this.#cookies() }));
  }

  signIn(address = email): Promise<Answer> {
    return this.post('/api/auth/login?mode=cookie', { email: address, password: PASSWORD });
  }

  refresh(headers: Record<string, string> = this.withToken()): Promise<Answer> {
    return this.post('/api/auth/refresh', {}, headers);
  }

  withToken(token = this.jar.get('__Host-csrf') ?? ''): Record<string, string> {
    return { ...fromOwnPage, 'x-csrf-token': token };
  }

  #cookies(): Record<string, string> {
    return { cookie: [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ') };
  }

  #keep(answer: Answer): Answer {
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (line.includes('Max-Age=0')) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }
}

const fromOwnPage = { 'sec-fetch-site': 'same-origin', origin: OWN };
const sessionIdOf = (cookie = ''): string => cookie.split('.')[2] ?? '';
const endReasonOf = async (sessionId: string) =>
  (await ingresses.database.pool.query('select end_reason from user_session where id = $1', [sessionId])).rows[0]
    ?.end_reason;
const generation = async (): Promise<number> =>
  (
    await ingresses.database.pool.query('select generation from refresh_token where session_id = $1', [
      sessionIdOf(browser.jar.get('__Host-refresh')),
    ])
  ).rows[0].generation;

describe('cookie mode', () => {
  it('puts the refresh token into a cookie and never into a body', async () => {
    expect(login).toMatchObject({
      status: 200,
      body: { accessToken: expect.any(String), expiresIn: 600, user: { email } },
    });
    expect(login.body).not.toHaveProperty('refreshToken');
    const cookies = login.headers.getSetCookie().toSorted();
    expect(cookies).toEqual([
      expect.stringMatching(/^__Host-csrf=v1\.[\w.-]+; Secure; SameSite=Strict; Path=\/; Max-Age=2592000$/),
      expect.stringMatching(
        /^__Host-device=v1\.[\w.-]+; HttpOnly; Secure; SameSite=Strict; Path=\/; Max-Age=34560000$/,
      ),
      expect.stringMatching(
        /^__Host-refresh=v1\.[\w.-]+; HttpOnly; Secure; SameSite=Strict; Path=\/; Max-Age=2592000$/,
      ),
    ]);
    const refreshed = await browser.refresh();
    expect(refreshed.status).toBe(200);
    expect(refreshed.text).not.toContain(browser.jar.get('__Host-refresh'));
    expect(Object.keys(refreshed.body).toSorted()).toEqual(['accessToken', 'expiresIn']);
  });

  it('answers a lost refresh again for the same device', async () => {
    const before = new Map(browser.jar);
    await browser.refresh();
    const after = browser.jar.get('__Host-refresh');
    for (const [name, value] of before) browser.jar.set(name, value);
    expect(await browser.refresh()).toMatchObject({ status: 200 });
    expect(browser.jar.get('__Host-refresh')).toBe(after);
  });

  it('takes a stolen cookie without the device for theft, and clears the cookies', async () => {
    const before = browser.jar.get('__Host-refresh') ?? '';
    await browser.refresh();
    const thief = new Browser(openClient(ingresses.first.origin));
    thief.jar.set('__Host-refresh', before);
    thief.jar.set('__Host-csrf', browser.jar.get('__Host-csrf') ?? '');
    const answer = await thief.refresh();
    expect(answer).toMatchObject({ status: 401, body: { code: 'refresh-reused' } });
    expect([...thief.jar.keys()]).toEqual([]);
  });

  it('keeps its cookies when a token in a body is refused', async () => {
    const answer = await browser.post('/api/auth/refresh', { refreshToken: 'not a token' });
    expect(answer).toMatchObject({ status: 401, body: { code: 'refresh-invalid' } });
    expect(browser.jar.has('__Host-refresh')).toBe(true);
    expect(await browser.refresh()).toMatchObject({ status: 200 });
  });

  it('signs out with the cookie alone, and keeps the device', async () => {
    const sessionId = sessionIdOf(browser.jar.get('__Host-refresh'));
    expect(await browser.post('/api/auth/logout', {}, browser.withToken())).toMatchObject({ status: 204 });
    expect([...browser.jar.keys()]).toEqual(['__Host-device']);
    expect(await endReasonOf(sessionId)).toBe('logout');
  });

  it.each([
    ['signs out', 'POST', () => '/api/auth/logout'],
    ['signs out everywhere', 'POST', () => '/api/auth/logout-all'],
    ['ends the session at hand', 'DELETE', (id: string) => `/api/sessions/${id}`],
  ])('%s with the access token, and takes the cookies of that session away', async (_, method, pathOf) => {
    const path = pathOf(sessionIdOf(browser.jar.get('__Host-refresh')));
    const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const send = openClient(ingresses.first.origin);
    const answer = await send(path, { method, token: login.body.accessToken, headers: { cookie } });
    expect(answer.status).toBeLessThan(300);
    expect(answer.headers.getSetCookie()).toEqual([
      '__Host-refresh=; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=0',
      '__Host-csrf=; Secure; SameSite=Strict; Path=/; Max-Age=0',
    ]);
  });

  it('remembers the device for its account, and for no other', async () => {
    const device = browser.jar.get('__Host-device');
    await browser.post('/api/auth/logout', {}, browser.withToken());
    await browser.signIn();
    expect(browser.jar.get('__Host-device')).toBe(device);
    await makeUser(ingresses.database.pool, { email: `second-${n}@example.com` });
    await browser.signIn(`second-${n}@example.com`);
    expect(browser.jar.get('__Host-device')).not.toBe(device);
  });

  it('hands out a fresh CSRF token to whoever lost it', async () => {
    browser.jar.delete('__Host-csrf');
    const answer = await browser.get('/api/auth/csrf');
    expect(answer).toMatchObject({ status: 200, body: { csrfToken: browser.jar.get('__Host-csrf') } });
    expect(await browser.refresh()).toMatchObject({ status: 200 });
  });

  it('needs no CSRF token for calls with a bearer token', async () => {
    const send = openClient(ingresses.first.origin);
    const ended = await send('/api/auth/logout', { method: 'POST', token: login.body.accessToken });
    expect(ended).toMatchObject({ status: 204 });
  });
});

describe('nothing is adopted from before sign-in', () => {
  it('not a session id, not a refresh token, not a device', async () => {
    const planted = new Browser(openClient(ingresses.first.origin));
    planted.jar.set('__Host-refresh', 'v1.planted');
    planted.jar.set('__Host-device', 'v1.AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA');
    planted.jar.set('__Host-csrf', 'v1.planted');
    const before = new Map(planted.jar);
    await planted.signIn();
    for (const [name, value] of before) expect(planted.jar.get(name)).not.toBe(value);
  });

  it('and a sign-in over a live cookie ends the session before', async () => {
    const before = sessionIdOf(browser.jar.get('__Host-refresh'));
    await browser.signIn();
    expect(sessionIdOf(browser.jar.get('__Host-refresh'))).not.toBe(before);
    expect(await endReasonOf(before)).toBe('replaced');
  });

  it('also when it was the session of someone else', async () => {
    const before = sessionIdOf(browser.jar.get('__Host-refresh'));
    await makeUser(ingresses.database.pool, { email: `next-${n}@example.com` });
    await browser.signIn(`next-${n}@example.com`);
    expect(await endReasonOf(before)).toBe('replaced');
  });

  it('but a sign-in that fails ends nothing', async () => {
    const before = sessionIdOf(browser.jar.get('__Host-refresh'));
    const failed = await browser.post('/api/auth/login?mode=cookie', { email, password: 'wrong, wrong, wrong' });
    expect(failed.status).toBe(401);
    expect(await endReasonOf(before)).toBeNull();
  });
});

describe('a request from another page', () => {
  const foreign: [string, Record<string, string>][] = [
    ['neither header', {}],
    ['cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['same-site', { 'sec-fetch-site': 'same-site' }],
    ['cross-site with an evil origin', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['same-origin with an evil origin', { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }],
    ['none with an evil origin', { 'sec-fetch-site': 'none', origin: 'https://evil.example' }],
    ['the origin null', { origin: 'null' }],
    ['our origin as a prefix', { origin: `${OWN}.evil.example` }],
    ['our origin with another port', { origin: 'http://localhost:4001' }],
    ['our origin with another scheme', { origin: 'https://localhost:4000' }],
    ['our origin in capitals', { origin: 'http://LOCALHOST:4000' }],
    ['our origin with a slash', { origin: `${OWN}/` }],
    ['a made-up fetch site', { 'sec-fetch-site': 'same-origin, cross-site', origin: OWN }],
  ];

  it.each(foreign)('is refused on refresh, logout and sign-in: %s', async (_, headers) => {
    const token = { 'x-csrf-token': browser.jar.get('__Host-csrf') ?? '' };
    const answers = [
      await browser.refresh({ ...headers, ...token }),
      await browser.post('/api/auth/logout', {}, { ...headers, ...token }),
      await browser.post('/api/auth/login?mode=cookie', { email, password: PASSWORD }, headers),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'csrf-refused' } });
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect(await generation()).toBe(0);
    expect(await browser.refresh()).toMatchObject({ status: 200 });
  });

  it.each<[string, Record<string, string>]>([
    ['the own origin', { origin: OWN }],
    ['the client application', { origin: CLIENT, 'sec-fetch-site': 'same-site' }],
    ['the own navigation', { 'sec-fetch-site': 'none' }],
    ['same-origin without an origin', { 'sec-fetch-site': 'same-origin' }],
  ])('passes from %s', async (_, headers) => {
    const token = { 'x-csrf-token': browser.jar.get('__Host-csrf') ?? '' };
    expect(await browser.refresh({ ...headers, ...token })).toMatchObject({ status: 200 });
  });
});

describe('the CSRF token', () => {
  it.each<[string, () => Promise<Record<string, string>>]>([
    ['missing', async () => fromOwnPage],
    ['empty', async () => browser.withToken('')],
    ['made up', async () => browser.withToken(`v1.AAAAAAAA.${'A'.repeat(22)}.${'A'.repeat(22)}`)],
    [
      'of this session, but not the one in the cookie',
      async () => {
        const headers = browser.withToken();
        await browser.get('/api/auth/csrf');
        return headers;
      },
    ],
    [
      'of another session, in header and cookie',
      async () => {
        const other = new Browser(openClient(ingresses.first.origin));
        await other.signIn();
        browser.jar.set('__Host-csrf', other.jar.get('__Host-csrf') ?? '');
        return browser.withToken();
      },
    ],
  ])('is refused when it is %s', async (_, headers) => {
    const given = await headers();
    expect(await browser.refresh(given)).toMatchObject({ status: 403, body: { code: 'csrf-refused' } });
    expect(await browser.post('/api/auth/logout', {}, given)).toMatchObject({ status: 403 });
    expect(await generation()).toBe(0);
    expect(await endReasonOf(sessionIdOf(browser.jar.get('__Host-refresh')))).toBeNull();
  });

  it('dies with its session', async () => {
    const jar = new Map(browser.jar);
    await browser.post('/api/auth/logout', {}, browser.withToken());
    for (const [name, value] of jar) browser.jar.set(name, value);
    expect(await browser.refresh()).toMatchObject({ status: 401, body: { code: 'session-ended' } });
  });

  it('helps no cookie that is there twice', async () => {
    browser.jar.set('x=1; __Host-refresh', browser.jar.get('__Host-refresh') ?? '');
    expect(await browser.refresh()).toMatchObject({ status: 400, body: { code: 'refresh-missing' } });
  });
});
