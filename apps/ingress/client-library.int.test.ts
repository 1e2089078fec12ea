import { create } from 'axios';
import { describe, expect, it } from 'vitest';
import { createClient, type Client, type ClientOptions } from '#client/create-client.ts';
import { openPlatform } from '#client/platform.ts';
import { makeUser, PASSWORD, randomAddress } from './testing/people.ts';
import { useTwoIngresses } from './testing/two-ingresses.ts';

const ingresses = useTwoIngresses({ ACCESS_TTL: '60' });

let made = 0;
async function newEmail(): Promise<string> {
  made += 1;
  const email = `client-${made}@example.com`;
  await makeUser(ingresses.database.pool, { email });
  return email;
}

/** Each from an address of its own, so that limits don't meet. */
function open(options: Partial<ClientOptions> = {}): Client {
  const address = randomAddress();
  const platform = openPlatform();
  const { fetch } = options.platform ?? platform;
  return createClient({
    baseUrl: ingresses.first.origin,
    mode: 'bearer',
    ...options,
    platform: {
      ...platform,
      fetch: (input, init = {}) => {
        const headers = new Headers(init.headers);
        headers.set('x-forwarded-for', address);
        return fetch(input, { ...init, headers });
      },
    },
  });
}

async function signedIn(options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = open(options);
  await client.login({ email: await newEmail(), password: PASSWORD });
  return client;
}

/** Every token that was issued is refused from here on, as if it had expired; the sessions live. */
function openExpiringFetch(): { fetch: typeof fetch; expire: () => void } {
  let refused = new Set<string>();
  const seen = new Set<string>();
  return {
    expire: () => {
      refused = new Set(seen);
    },
    fetch: (input, init = {}) => {
      const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
      const token = headers.get('authorization');
      if (token !== null) {
        seen.add(token);
        if (refused.has(token)) headers.set('authorization', 'Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA');
      }
      return fetch(input, { ...init, headers });
    },
  };
}

describe('the client library at a real ingress', () => {
  it('signs in, is somebody, and signs out', async () => {
    const email = await newEmail();
    const client = open();
    const user = await client.login({ email, password: PASSWORD });
    expect(user).toMatchObject({ email, role: 'user' });
    expect(await (await client.fetch('/api/auth/me')).json()).toEqual(user);
    const [session] = await client.sessions();
    expect(session).toMatchObject({ current: true, method: 'password' });
    await client.logout();
    await expect(client.fetch('/api/auth/me')).rejects.toMatchObject({ code: 'signed-out' });
  });

  it('tells a wrong password apart from everything else', async () => {
    const client = open();
    await expect(client.login({ email: await newEmail(), password: 'not the right one 1' })).rejects.toMatchObject({
      code: 'login-failed',
      status: 401,
    });
  });

  it('refreshes once for many requests whose token has expired', async () => {
    const { fetch, expire } = openExpiringFetch();
    let refreshes = 0;
    const client = await signedIn({
      platform: {
        ...openPlatform(),
        fetch: (input, init) => {
          if (new Request(input).url.endsWith('/refresh')) refreshes += 1;
          return fetch(input, init);
        },
      },
    });
    await client.fetch('/api/auth/me');
    expire();
    const answers = await Promise.all(Array.from({ length: 40 }, () => client.fetch('/api/auth/me')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(refreshes).toBe(1);
  });

  it('stays signed in when the answer to its refresh is lost', async () => {
    const { fetch, expire } = openExpiringFetch();
    let losses = 2;
    const client = await signedIn({
      platform: {
        ...openPlatform(),
        fetch: async (input, init) => {
          const answer = await fetch(input, init);
          if (!new Request(input).url.endsWith('/refresh') || losses === 0) return answer;
          losses -= 1;
          throw new TypeError('connection reset');
        },
      },
    });
    const reasons: string[] = [];
    client.on('signed-out', ({ reason }) => reasons.push(reason));
    await client.fetch('/api/auth/me');
    expire();
    await expect(client.fetch('/api/auth/me')).rejects.toMatchObject({ code: 'refresh-delayed' });
    await expect
      .poll(async () => (await client.fetch('/api/auth/me').catch(() => undefined))?.status, { timeout: 10_000 })
      .toBe(200);
    expect(reasons).toEqual([]);
    expect(losses).toBe(0);
  });

  it('of five tabs with one storage, all stay signed in when they refresh at once over two processes', async () => {
    const items = new Map<string, string>();
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
    };
    const { fetch, expire } = openExpiringFetch();
    let requests = 0;
    const platform = {
      ...openPlatform(),
      locks: undefined,
      openChannel: undefined,
      fetch: (input: Parameters<typeof globalThis.fetch>[0], init: RequestInit = {}) => {
        requests += 1;
        const { origin } = requests % 2 === 0 ? ingresses.first : ingresses.second;
        return fetch(new Request(input).url.replace(ingresses.first.origin, origin), init);
      },
    };
    const tabs = Array.from({ length: 5 }, () => open({ storage, platform }));
    await tabs[0]?.login({ email: await newEmail(), password: PASSWORD });
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(tabs.map((tab) => tab.fetch('/api/auth/me')));
      expire();
      const answers = await Promise.all(tabs.map((tab) => tab.fetch('/api/auth/me')));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    }
  });

  it('hears that another device has ended its session, and sends no sign-out of its own', async () => {
    const email = await newEmail();
    const [mine, other] = [open(), open()];
    await mine.login({ email, password: PASSWORD });
    await other.login({ email, password: PASSWORD });
    const reasons: string[] = [];
    other.on('signed-out', ({ reason }) => reasons.push(reason));
    const ended = (await mine.sessions()).find(({ current }) => !current);
    await mine.endSession(ended?.id ?? '');
    await expect
      .poll(async () => (await other.fetch('/api/auth/me').catch((error: unknown) => error)) as object)
      .toMatchObject({ code: 'signed-out' });
    expect(reasons).toEqual(['session-ended']);
    expect((await mine.fetch('/api/auth/me')).status).toBe(200);
  });

  it('ends other sessions, and all of them', async () => {
    const email = await newEmail();
    const [mine, other] = [open(), open()];
    await mine.login({ email, password: PASSWORD });
    await other.login({ email, password: PASSWORD });
    expect(await mine.endOtherSessions()).toBe(1);
    expect(await mine.logoutAll()).toBe(1);
    await expect(mine.fetch('/api/auth/me')).rejects.toMatchObject({ code: 'signed-out' });
  });

  it('gives axios the same: twenty requests with an expired token, all answered', async () => {
    const client = await signedIn();
    const { fetch, expire } = openExpiringFetch();
    const instance = create({ baseURL: ingresses.first.origin, adapter: 'fetch', env: { fetch } });
    client.attachToAxios(instance);
    expect((await instance.get('/api/auth/me')).data.role).toBe('user');
    expire();
    const answers = await Promise.all(Array.from({ length: 20 }, () => instance.get('/api/sessions')));
    expect(answers.map(({ data }) => data.items.length)).toEqual(Array.from({ length: 20 }, () => 1));
  });

  it('uploads a file once, however often it is sent under one key', async () => {
    const client = await signedIn();
    const file = new File(['hello, this is a note\n'], 'note.txt', { type: 'text/plain' });
    const options = { ticketId: 'T-1', idempotencyKey: 'one-key-for-all' };
    const first = await client.upload(file, options);
    expect(first).toMatchObject({ status: 'quarantined', size: file.size, originalName: 'note.txt', ticketId: 'T-1' });
    expect((await client.upload(file, options)).id).toBe(first.id);
    await expect(
      client.upload(new File(['x'], 'evil.exe', { type: 'application/x-msdownload' }), { ticketId: 'T-1' }),
    ).rejects.toMatchObject({ code: 'type-not-allowed' });
  });
});
