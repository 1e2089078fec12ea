import { expect, it } from 'vitest';
import { createClient, type Client, type ClientOptions } from './create-client.ts';
import type { LockPort, Platform } from './platform.ts';
import { openFakePlatform, settle, type FakePlatform } from './testing/fake-platform.ts';
import { LIFE_SECONDS, openFakeServer, problem, type FakeServer } from './testing/fake-server.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface Tab {
  server: FakeServer;
  platform: FakePlatform;
  client: Client;
  signOuts: string[];
  /** Seconds after the token has expired at which refreshes were sent. */
  askedAt: number[];
  abortedAt: number[];
}

type Answer = 'no answer' | 'reset' | { after: number; answer: () => Response };

/** A tab whose token has expired. Answers to refreshes come as late as `answers` say; after these, at once. */
async function expiredTab(
  answers: Answer[],
  options: Partial<ClientOptions> = {},
  parts: Partial<Platform> = {},
): Promise<Tab> {
  const server = openFakeServer();
  const platform = openFakePlatform(server.fetch, parts);
  server.nowMs = () => platform.now();
  const client = createClient({ baseUrl: 'https://ingress.example', mode: 'bearer', platform, ...options });
  const tab: Tab = { server, platform, client, signOuts: [], askedAt: [], abortedAt: [] };
  client.on('signed-out', ({ reason }) => tab.signOuts.push(reason));
  await client.login({ email: 'a@example.com', password: 'secret' });
  await platform.advance((LIFE_SECONDS + 1) * SECOND);
  const since = platform.now();
  const seconds = (): number => (platform.now() - since) / SECOND;
  platform.fetch = (input, init = {}) => {
    if (!new Request(input).url.endsWith('/refresh')) return server.fetch(input, init);
    tab.askedAt.push(seconds());
    const next = answers.shift();
    if (next === undefined) return server.fetch(input, init);
    if (next === 'reset') return Promise.reject(new TypeError('connection reset'));
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      init.signal?.addEventListener('abort', () => {
        if (!isAnswered) tab.abortedAt.push(seconds());
        reject(init.signal?.reason);
      });
      if (next === 'no answer') return;
      platform.after(next.after * SECOND, () => {
        isAnswered = true;
        resolve(next.answer());
      });
    });
  };
  return tab;
}

const use = ({ client }: Tab): Promise<number | string> =>
  client.fetch('/api/auth/me').then(
    ({ status }) => status,
    ({ code }: { code: string }) => code,
  );

const successor = (): Response => Response.json({ accessToken: 'h.e30.s-7', refreshToken: 'r-7', expiresIn: 600 });

it('is asked for again while the first request still waits, whose answer counts however late it comes', async () => {
  const late = { after: 19, answer: successor };
  const tab = await expiredTab([late, late, late]);
  const used = use(tab);
  await tab.platform.advance(18 * SECOND);
  expect(tab.abortedAt).toEqual([]);
  await tab.platform.advance(2 * SECOND);
  expect(await used).toBe(200);
  expect(tab.askedAt).toEqual([0, 5, 10]);
  // What would come later is not waited for, and can't be taken for a replay.
  expect(tab.abortedAt).toEqual([19, 19]);
  await tab.platform.advance(10 * MINUTE);
  expect(tab.signOuts).toEqual([]);
});

it('takes the second answer where the first is lost', async () => {
  const tab = await expiredTab(['no answer', { after: 14, answer: successor }, 'no answer']);
  const used = use(tab);
  await tab.platform.advance(20 * SECOND);
  expect(await used).toBe(200);
  expect(tab.abortedAt).toEqual([19, 19]);
});

it('waits for the first while a repeat has failed', async () => {
  const tab = await expiredTab([
    { after: 25, answer: successor },
    { after: 1, answer: () => problem(502, 'bad-gateway') },
    { after: 1, answer: () => problem(503, 'database-unavailable', { 'retry-after': '9' }) },
  ]);
  const used = use(tab);
  await tab.platform.advance(26 * SECOND);
  expect(await used).toBe(200);
  expect(tab.askedAt).toEqual([0, 5, 10]);
});

it('is not repeated once the server has asked for patience', async () => {
  const patience = { after: 1, answer: () => problem(429, 'limit-exceeded', { 'retry-after': '9' }) };
  const tab = await expiredTab([{ after: 25, answer: successor }, patience]);
  const used = use(tab);
  await tab.platform.advance(26 * SECOND);
  expect(await used).toBe(200);
  expect(tab.askedAt).toEqual([0, 5]);
});

it('has an end by one answer, whatever else is waited for', async () => {
  const over = { after: 1, answer: () => problem(401, 'session-ended') };
  const tab = await expiredTab(['no answer', over]);
  const used = use(tab);
  await tab.platform.advance(7 * SECOND);
  expect(await used).toBe('signed-out');
  expect(tab.signOuts).toEqual(['session-ended']);
});

it('is waited for a minute without a repeat that the server might take for a replay, and nobody is signed out', async () => {
  const tab = await expiredTab(['no answer', 'no answer', 'no answer']);
  const used = use(tab);
  await tab.platform.advance(59 * SECOND);
  expect(tab.askedAt).toEqual([0, 5, 10]);
  await tab.platform.advance(2 * SECOND);
  expect(await used).toBe('refresh-delayed');
  expect(tab.signOuts).toEqual([]);
  await tab.platform.advance(10 * SECOND);
  expect(await use(tab)).toBe(200);
});

it('is repeated within the grace of the first request, also where that has failed at once', async () => {
  const tab = await expiredTab(['reset', 'reset', 'reset', 'no answer', 'no answer', 'no answer']);
  expect(await use(tab)).toBe('refresh-delayed');
  await tab.platform.advance(MINUTE);
  // 1.1, 2.2 and 4.4 s after the failures; what gets no answer is repeated at 12.7 s no more.
  expect(tab.askedAt.map((seconds) => Math.round(seconds * 10) / 10)).toEqual([0, 1.1, 3.3, 7.7]);
});

it('can be given up by who waits for it; it goes on for the others', async () => {
  const tab = await expiredTab([{ after: 12, answer: successor }, 'no answer', 'no answer']);
  const impatient = new AbortController();
  const given = tab.client.fetch('/a', { signal: impatient.signal }).catch((error: unknown) => error);
  const patient = use(tab);
  await settle();
  impatient.abort(new Error('enough'));
  expect(await given).toMatchObject({ message: 'enough' });
  await tab.platform.advance(13 * SECOND);
  expect(await patient).toBe(200);
});

it('is repeated by the tab that has the lock, not by one that does without', async () => {
  const locks: LockPort = { request: () => new Promise(() => undefined) };
  const storage = new Map<string, string>();
  const shared = {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  };
  const tab = await expiredTab([{ after: 30, answer: successor }], { storage: shared }, { locks });
  const used = use(tab);
  await tab.platform.advance(33 * SECOND);
  expect(await used).toBe(200);
  expect(tab.askedAt).toEqual([2]);
});

it('is no longer waited for when another tab has stored what it would bring', async () => {
  const items = new Map<string, string>();
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
  const tab = await expiredTab(['no answer', 'no answer'], { storage });
  const used = use(tab);
  await tab.platform.advance(7 * SECOND);
  const other = createClient({
    baseUrl: 'https://ingress.example',
    mode: 'bearer',
    storage,
    platform: { ...tab.platform, fetch: tab.server.fetch },
  });
  expect((await other.fetch('/api/auth/me')).status).toBe(200);
  await tab.platform.advance(4 * SECOND);
  expect(await used).toBe(200);
  expect(tab.askedAt).toEqual([0, 5]);
});
