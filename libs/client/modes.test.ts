import { describe, expect, it } from 'vitest';
import { createClient } from './create-client.ts';
import type { ChannelPort, LockPort } from './platform.ts';
import { openFakePlatform, settle } from './testing/fake-platform.ts';
import { LIFE_SECONDS, openFakeServer, problem } from './testing/fake-server.ts';
import type { TokenStorage } from './vault.ts';

const ORIGIN = 'https://ingress.example';
const REFRESH = 'POST /api/auth/refresh';
const CREDENTIALS = { email: 'a@example.com', password: 'secret' };
const EXPIRED_MS = (LIFE_SECONDS + 1) * 1_000;

function openStorage(): TokenStorage & { text(): string } {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    text: () => JSON.stringify([...items]),
  };
}

/** Channels that reach each other, and all that went through them. */
function openChannels(): { open: (name: string) => ChannelPort; said: unknown[] } {
  const listeners = new Map<ChannelPort, (event: { data: unknown }) => void>();
  const said: unknown[] = [];
  return {
    said,
    open() {
      const channel: ChannelPort = {
        addEventListener: (_type, listener) => void listeners.set(channel, listener),
        postMessage(data) {
          said.push(data);
          for (const [other, listener] of listeners) if (other !== channel) queueMicrotask(() => listener({ data }));
        },
        close: () => void listeners.delete(channel),
      };
      return channel;
    },
  };
}

describe('cookie mode', () => {
  it('needs no token to begin with: the first request asks whether the cookie signs in', async () => {
    const server = openFakeServer();
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform: openFakePlatform(server.fetch) });
    expect((await client.fetch('/api/auth/me')).status).toBe(200);
    expect(server.requests.map(({ line }) => line)).toEqual([REFRESH, 'GET /api/auth/me']);
    expect(server.requests[0]).toMatchObject({ credentials: 'include', body: '{}' });
  });

  it('is signed out where there is no cookie, and does not ask again', async () => {
    const server = openFakeServer();
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform: openFakePlatform(server.fetch) });
    server.refreshes = [() => problem(400, 'refresh-missing')];
    await expect(client.fetch('/x')).rejects.toMatchObject({ code: 'signed-out' });
    await expect(client.fetch('/x')).rejects.toMatchObject({ code: 'signed-out' });
    expect(server.requests.length).toBe(1);
  });

  it('keeps no token in a storage, and sends none of them in a body', async () => {
    const server = openFakeServer();
    const storage = openStorage();
    const platform = openFakePlatform(server.fetch);
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', storage, platform });
    await client.login(CREDENTIALS);
    await platform.advance(EXPIRED_MS);
    await client.fetch('/x');
    await client.logout();
    expect(storage.text()).toBe('[]');
    expect(server.requests.filter(({ body }) => String(body).includes('refresh-'))).toEqual([]);
  });

  it('sends the CSRF token of the cookie', async () => {
    const server = openFakeServer();
    const platform = openFakePlatform(server.fetch);
    platform.cookie = 'a=b; __Host-csrf=csrf-of-cookie; c=d';
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    await client.fetch('/x');
    await client.logout();
    const headers = server.requests.map((request) => request.headers.get('x-csrf-token'));
    expect(headers).toEqual(['csrf-of-cookie', null, 'csrf-of-cookie']);
  });

  it.each(['refresh', 'logout'])('fetches a new CSRF token once for a refused %s', async (act) => {
    const server = openFakeServer();
    const platform = openFakePlatform(server.fetch);
    const { fetch } = server;
    let refusals = 1;
    platform.fetch = (input, init) => {
      if (!new Request(input).url.endsWith(act) || refusals === 0) return fetch(input, init);
      refusals -= 1;
      return Promise.resolve(problem(403, 'csrf-refused'));
    };
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    await client.fetch('/x');
    await client.logout();
    expect(server.count('GET /api/auth/csrf')).toBe(1);
    expect(server.requests.find(({ line }) => line.endsWith(act))?.headers.get('x-csrf-token')).toBe('csrf-of-server');
  });

  it('does not repeat a request as somebody else who has signed in meanwhile', async () => {
    const server = openFakeServer();
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform: openFakePlatform(server.fetch) });
    await client.login(CREDENTIALS);
    let signIns = 0;
    client.on('signed-in', () => (signIns += 1));
    server.refuseTokens();
    server.userId = 'user-2';
    await expect(client.fetch('/x', { method: 'POST' })).rejects.toMatchObject({ code: 'person-changed' });
    expect(server.count('POST /x')).toBe(1);
    expect(signIns).toBe(1);
    expect((await client.fetch('/x')).status).toBe(200);
  });
});

describe('bearer mode', () => {
  it('sends its refresh token and the name of its device, and no cookie', async () => {
    const server = openFakeServer();
    const platform = openFakePlatform(server.fetch);
    const client = createClient({ baseUrl: ORIGIN, mode: 'bearer', platform });
    await client.login(CREDENTIALS);
    await platform.advance(EXPIRED_MS);
    await client.fetch('/x');
    const [login, refresh] = server.requests;
    const { deviceId } = JSON.parse(String(login?.body));
    expect(deviceId).toMatch(/^[0-9a-f]{32}$/);
    expect(refresh).toMatchObject({ credentials: 'omit' });
    expect(JSON.parse(String(refresh?.body))).toEqual({ refreshToken: 'refresh-1', deviceId });
    await client.logout();
    expect(JSON.parse(String(server.requests.at(-1)?.body))).toEqual({ refreshToken: 'refresh-2' });
  });

  it('is signed out before the first sign-in, without asking', async () => {
    const server = openFakeServer();
    const client = createClient({ baseUrl: ORIGIN, mode: 'bearer', platform: openFakePlatform(server.fetch) });
    await expect(client.fetch('/x')).rejects.toMatchObject({ code: 'signed-out' });
    expect(server.requests).toEqual([]);
  });

  it('finds the session and the device again in its storage', async () => {
    const server = openFakeServer();
    const storage = openStorage();
    const open = () =>
      createClient({ baseUrl: ORIGIN, mode: 'bearer', storage, platform: openFakePlatform(server.fetch) });
    await open().login(CREDENTIALS);
    const again = open();
    expect(await (await again.fetch('/x')).json()).toEqual({ number: 1 });
    await again.login(CREDENTIALS);
    const devices = server.requests.filter(({ line }) => line.includes('login')).map(({ body }) => String(body));
    expect(devices[0]).toBe(devices[1]);
  });

  it('works with a storage that refuses to store', async () => {
    const server = openFakeServer();
    const refuse = (): never => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    const storage = { getItem: () => null, setItem: refuse, removeItem: refuse };
    const client = createClient({
      baseUrl: ORIGIN,
      mode: 'bearer',
      storage,
      platform: openFakePlatform(server.fetch),
    });
    await client.login(CREDENTIALS);
    expect((await client.fetch('/x')).status).toBe(200);
  });

  it('is signed out by a storage that holds nonsense', async () => {
    const server = openFakeServer();
    const storage = { getItem: () => '{"half', setItem: () => undefined, removeItem: () => undefined };
    const client = createClient({
      baseUrl: ORIGIN,
      mode: 'bearer',
      storage,
      platform: openFakePlatform(server.fetch),
    });
    await expect(client.fetch('/x')).rejects.toMatchObject({ code: 'signed-out' });
  });
});

describe('tabs', () => {
  it('that share a cookie sign out together, and tell each other no token', async () => {
    const server = openFakeServer();
    const channels = openChannels();
    const platform = openFakePlatform(server.fetch, { openChannel: channels.open });
    const open = () => createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    const [one, other] = [open(), open()];
    const heard: string[] = [];
    other.on('signed-in', () => heard.push('in'));
    other.on('signed-out', ({ reason }) => heard.push(reason));
    await one.login(CREDENTIALS);
    await settle();
    await other.fetch('/x');
    await one.logout();
    await settle();
    expect(heard).toEqual(['in', 'logout']);
    await expect(other.fetch('/x')).rejects.toMatchObject({ code: 'signed-out' });
    expect(channels.said.length).toBeGreaterThan(2);
    expect(JSON.stringify(channels.said)).not.toMatch(/accessToken|refresh-|s-\d/);
  });

  it('of another session stay signed in', async () => {
    const server = openFakeServer();
    const channels = openChannels();
    const platform = openFakePlatform(server.fetch, { openChannel: channels.open });
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    await client.login(CREDENTIALS);
    channels.open('x').postMessage({ type: 'signed-out', sessionId: 'another', reason: 'logout' });
    await settle();
    expect((await client.fetch('/x')).status).toBe(200);
  });

  it.each([0, 3_600_000])('that share a storage refresh once, also with a clock that is %i ms fast', async (fastMs) => {
    const server = openFakeServer();
    const storage = openStorage();
    const platform = openFakePlatform(server.fetch, { locks: openLocks() });
    server.nowMs = () => platform.now() - fastMs;
    const open = () => createClient({ baseUrl: ORIGIN, mode: 'bearer', storage, platform });
    const tabs = [open(), open(), open(), open(), open()];
    await tabs[0]?.login(CREDENTIALS);
    await platform.advance(EXPIRED_MS);
    const answers = await Promise.all(tabs.map(async (tab) => (await tab.fetch('/x')).json()));
    expect(answers).toEqual(tabs.map(() => ({ number: 2 })));
    expect(server.count(REFRESH)).toBe(1);
  });

  it('do without a lock that a frozen tab holds', async () => {
    const server = openFakeServer();
    const locks: LockPort = { request: (_name, { signal }) => rejectsOn(signal) };
    const platform = openFakePlatform(server.fetch, { locks });
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    const waiting = client.fetch('/x');
    await platform.advance(1_900);
    expect(server.count(REFRESH)).toBe(0);
    await platform.advance(200);
    expect((await waiting).status).toBe(200);
  });

  it('do without a lock manager that answers neither yes nor no', async () => {
    const server = openFakeServer();
    const platform = openFakePlatform(server.fetch, { locks: { request: () => new Promise(() => undefined) } });
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    const waiting = client.fetch('/x');
    await platform.advance(2_100);
    expect((await waiting).status).toBe(200);
  });

  it('do without a lock manager that fails, and without a channel that can not be opened', async () => {
    const server = openFakeServer();
    const refuse = (): never => {
      throw new DOMException('denied', 'SecurityError');
    };
    const platform = openFakePlatform(server.fetch, {
      locks: { request: () => Promise.reject(new DOMException('denied', 'SecurityError')) },
      openChannel: refuse,
    });
    const client = createClient({ baseUrl: ORIGIN, mode: 'cookie', platform });
    expect((await client.fetch('/x')).status).toBe(200);
    await client.logout();
  });

  it('that share a storage do not bring back a session that another tab ended', async () => {
    const server = openFakeServer();
    const storage = openStorage();
    const platform = openFakePlatform(server.fetch);
    const open = () => createClient({ baseUrl: ORIGIN, mode: 'bearer', storage, platform });
    const [one, other] = [open(), open()];
    await one.login(CREDENTIALS);
    await platform.advance(EXPIRED_MS);
    let finish = (): void => undefined;
    server.refreshes = [
      () =>
        new Promise((resolve) => {
          finish = () => resolve(Response.json({ accessToken: 'late.x.s-9', refreshToken: 'r', expiresIn: 600 }));
        }),
    ];
    const waiting = other.fetch('/x').catch((error: unknown) => error);
    await settle();
    await one.logout();
    finish();
    expect(await waiting).toMatchObject({ code: 'signed-out' });
    expect(storage.text()).not.toContain('late');
  });
});

function rejectsOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

function openLocks(): LockPort {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request(_name, _options, run) {
      last = last.then(run);
      return last;
    },
  };
}
