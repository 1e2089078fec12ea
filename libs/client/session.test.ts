import { describe, expect, it } from 'vitest';
import { createClient, type Client, type ClientOptions } from './create-client.ts';
import { openFakePlatform, settle, type FakePlatform } from './testing/fake-platform.ts';
import { LIFE_SECONDS, openFakeServer, problem, type FakeServer } from './testing/fake-server.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const REFRESH = 'POST /api/auth/refresh';
const ORIGIN = 'https://ingress.example';

interface Tab {
  server: FakeServer;
  platform: FakePlatform;
  client: Client;
  signOuts: string[];
}

async function signedIn(options: Partial<ClientOptions> = {}, parts: Partial<FakePlatform> = {}): Promise<Tab> {
  const server = openFakeServer();
  const platform = openFakePlatform(server.fetch, parts);
  // The server's clock goes as time does, whatever the local clock says.
  const startedAt = platform.now();
  let shiftMs = 0;
  server.nowMs = () => platform.now() - shiftMs;
  const { setClock } = platform;
  platform.setClock = (ms) => {
    shiftMs += ms - platform.now();
    setClock(ms);
  };
  expect(server.nowMs()).toBe(startedAt);
  const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform, ...options });
  const signOuts: string[] = [];
  client.on('signed-out', ({ reason }) => signOuts.push(reason));
  await client.login({ email: 'a@example.com', password: 'secret' });
  server.requests.length = 0;
  return { server, platform, client, signOuts };
}

const expired = async ({ platform }: Tab): Promise<void> => platform.advance((LIFE_SECONDS + 1) * SECOND);

describe('a refresh', () => {
  it('is one for fifty requests that need it, and all of them are answered', async () => {
    const tab = await signedIn();
    await expired(tab);
    const answers = await Promise.all(Array.from({ length: 50 }, () => tab.client.fetch('/api/auth/me')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(tab.server.count(REFRESH)).toBe(1);
  });

  it('happens once for fifty requests whose token was refused, each of them sent again once', async () => {
    const tab = await signedIn();
    tab.server.refuseTokens();
    const answers = await Promise.all(Array.from({ length: 50 }, () => tab.client.fetch('/api/auth/me')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(tab.server.count(REFRESH)).toBe(1);
    expect(tab.server.count('GET /api/auth/me')).toBe(100);
  });

  it('comes ahead of time once most of the life has passed, without holding up the request', async () => {
    const tab = await signedIn();
    await tab.platform.advance(LIFE_SECONDS * 0.7 * SECOND);
    await tab.client.fetch('/api/auth/me');
    expect(tab.server.count(REFRESH)).toBe(0);
    await tab.platform.advance(LIFE_SECONDS * 0.2 * SECOND);
    tab.server.refreshes = [() => new Promise(() => undefined)];
    expect((await tab.client.fetch('/api/auth/me')).status).toBe(200);
    expect(tab.server.count(REFRESH)).toBe(1);
  });

  it.each([0, 0.999])('comes at another share of the life for each tab (random %f)', async (random) => {
    const tab = await signedIn({}, { random: () => random });
    const refreshedBy = async (share: number): Promise<boolean> => {
      await tab.platform.advance(share * LIFE_SECONDS * SECOND);
      await tab.client.fetch('/api/auth/me');
      return tab.server.count(REFRESH) > 0;
    };
    expect(await refreshedBy(random === 0 ? 0.74 : 0.89)).toBe(false);
    expect(await refreshedBy(0.02)).toBe(true);
  });
});

describe('a session', () => {
  it.each(['refresh-invalid', 'refresh-reused', 'session-ended', 'session-expired'])(
    'ends with 401 %s: one event, and no sign-out is sent for it',
    async (code) => {
      const tab = await signedIn();
      await expired(tab);
      tab.server.refreshes = [() => problem(401, code)];
      const fetches = [tab.client.fetch('/a'), tab.client.fetch('/b')];
      for (const each of fetches) await expect(each).rejects.toMatchObject({ code: 'signed-out', detail: code });
      await expect(tab.client.fetch('/c')).rejects.toMatchObject({ code: 'signed-out' });
      expect(tab.signOuts).toEqual([code]);
      expect(tab.server.requests.map(({ line }) => line)).toEqual([REFRESH]);
    },
  );

  it.each<[string, () => Response | Promise<Response>]>([
    ['401 of a proxy', () => new Response('<h1>', { status: 401 })],
    ['403', () => problem(403, 'step-up-needed')],
    ['408', () => problem(408, 'request-slow')],
    ['425', () => new Response(null, { status: 425 })],
    ['429', () => problem(429, 'limit-exceeded')],
    ['500', () => problem(500, 'bug')],
    ['502', () => new Response('<h1>', { status: 502 })],
    ['503', () => problem(503, 'database-unavailable')],
    ['504', () => new Response('<h1>', { status: 504 })],
    ['no network', () => Promise.reject(new TypeError('fetch failed'))],
    ['a body that breaks off', () => new Response('{"acc')],
    ['a success that is no JSON', () => new Response('<h1>welcome to the café</h1>')],
  ])('survives %s', async (_what, answer) => {
    const tab = await signedIn();
    await expired(tab);
    tab.server.refreshes = [answer, answer];
    await expect(tab.client.fetch('/api/auth/me')).rejects.toMatchObject({ code: 'refresh-delayed' });
    await tab.platform.advance(10 * SECOND);
    expect((await tab.client.fetch('/api/auth/me')).status).toBe(200);
    expect(tab.signOuts).toEqual([]);
    expect(tab.server.count('POST /api/auth/logout')).toBe(0);
  });

  it('goes on with the token that it has while a refresh ahead of time fails', async () => {
    const tab = await signedIn();
    await tab.platform.advance(LIFE_SECONDS * 0.95 * SECOND);
    tab.server.refreshes = [() => problem(503, 'database-unavailable', { 'retry-after': '60' })];
    for (let each = 0; each < 5; each += 1) expect((await tab.client.fetch('/api/auth/me')).status).toBe(200);
    expect(tab.server.count(REFRESH)).toBe(1);
  });

  it('waits as long as Retry-After says, even when the page wakes up, and refreshes then by itself', async () => {
    const tab = await signedIn();
    await expired(tab);
    tab.server.refreshes = [() => problem(429, 'limit-exceeded', { 'retry-after': '30' })];
    await expect(tab.client.fetch('/x')).rejects.toMatchObject({ code: 'refresh-delayed', retryAfterSeconds: 30 });
    await tab.platform.advance(29 * SECOND);
    tab.platform.wake();
    await expect(tab.client.fetch('/x')).rejects.toMatchObject({ code: 'refresh-delayed' });
    expect(tab.server.count(REFRESH)).toBe(1);
    await tab.platform.advance(10 * SECOND);
    expect(tab.server.count(REFRESH)).toBe(2);
  });

  it('asks again at once when the network is back', async () => {
    const tab = await signedIn();
    await expired(tab);
    tab.server.refreshes = [() => Promise.reject(new TypeError('offline'))];
    await expect(tab.client.fetch('/x')).rejects.toMatchObject({ code: 'refresh-delayed' });
    tab.platform.wake();
    await settle();
    expect(tab.server.count(REFRESH)).toBe(2);
    expect((await tab.client.fetch('/x')).status).toBe(200);
  });

  it('asks a lost refresh again within the grace of the server, ever more slowly, and not for ever', async () => {
    const tab = await signedIn();
    await expired(tab);
    const times: number[] = [];
    const since = tab.platform.now();
    tab.server.refreshes = Array.from({ length: 20 }, () => () => {
      times.push((tab.platform.now() - since) / SECOND);
      return Promise.reject(new TypeError('offline'));
    });
    await expect(tab.client.fetch('/x')).rejects.toMatchObject({ code: 'refresh-delayed' });
    await tab.platform.advance(HOUR);
    expect(times.length).toBe(5);
    expect(times.every((seconds) => seconds < 30)).toBe(true);
    expect(tab.signOuts).toEqual([]);
  });
});

describe('the local clock', () => {
  it.each([-HOUR, HOUR])('may be off by %i ms from the start', async (offMs) => {
    const server = openFakeServer();
    const platform = openFakePlatform(server.fetch);
    server.nowMs = () => platform.now() - offMs;
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    await client.login({ email: 'a', password: 'b' });
    await platform.advance(0.7 * LIFE_SECONDS * SECOND);
    await client.fetch('/x');
    expect(server.count(REFRESH)).toBe(0);
    await platform.advance(0.31 * LIFE_SECONDS * SECOND);
    expect((await client.fetch('/x')).status).toBe(200);
    expect(server.count(REFRESH)).toBe(1);
  });

  it.each([-HOUR, HOUR])('may be set by %i ms in between: the next answer puts it right', async (byMs) => {
    const tab = await signedIn();
    tab.platform.setClock(tab.platform.now() + byMs);
    expect((await tab.client.fetch('/x')).status).toBe(200);
    const already = tab.server.count(REFRESH);
    expect(already).toBe(byMs > 0 ? 1 : 0);
    await tab.platform.advance(0.7 * LIFE_SECONDS * SECOND);
    await tab.client.fetch('/x');
    expect(tab.server.count(REFRESH)).toBe(already);
    await tab.platform.advance(0.31 * LIFE_SECONDS * SECOND);
    await tab.client.fetch('/x');
    expect(tab.server.count(REFRESH)).toBe(already + 1);
  });

  it('is enough where the Date header can not be read', async () => {
    const tab = await signedIn();
    tab.server.nowMs = () => Number.NaN;
    const { fetch } = tab.server;
    tab.platform.fetch = async (input, init) => {
      const answer = await fetch(input, init);
      answer.headers.delete('date');
      return answer;
    };
    await expired(tab);
    expect((await tab.client.fetch('/x')).status).toBe(200);
    expect(tab.server.count(REFRESH)).toBe(1);
  });
});

describe('a sign-out', () => {
  it('wins against a refresh under way, which is aborted and thrown away', async () => {
    const tab = await signedIn();
    await expired(tab);
    let finish = (): void => undefined;
    tab.server.refreshes = [
      () =>
        new Promise((resolve) => {
          finish = () => resolve(Response.json({ accessToken: 'too.late.s-9', expiresIn: 600 }));
        }),
    ];
    const waiting = tab.client.fetch('/x').catch((error: unknown) => error);
    await settle();
    await tab.client.logout();
    finish();
    expect(await waiting).toMatchObject({ code: 'signed-out' });
    await expect(tab.client.fetch('/x')).rejects.toMatchObject({ code: 'signed-out' });
    expect(tab.signOuts).toEqual(['logout']);
  });

  it('is done here even where the server can not be told, and says so', async () => {
    const tab = await signedIn();
    tab.platform.fetch = () => Promise.reject(new TypeError('offline'));
    await expect(tab.client.logout()).rejects.toMatchObject({ code: 'unreachable' });
    await expect(tab.client.fetch('/x')).rejects.toMatchObject({ code: 'signed-out' });
  });

  it('can be followed by another sign-in, whose token a late refresh does not replace', async () => {
    const tab = await signedIn();
    await expired(tab);
    let finish = (): void => undefined;
    tab.server.refreshes = [
      () =>
        new Promise((resolve) => {
          finish = () => resolve(Response.json({ accessToken: 'old.session.s-0', expiresIn: 600 }));
        }),
    ];
    const waiting = tab.client.fetch('/x').catch((error: unknown) => error);
    await settle();
    await tab.client.login({ email: 'b', password: 'c' });
    finish();
    await waiting;
    expect(await (await tab.client.fetch('/x')).json()).toEqual({ number: 2 });
  });
});
