import {
  create,
  AxiosError,
  isCancel,
  type AxiosInstance,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import { describe, expect, it } from 'vitest';
import { createClient, type Client } from './create-client.ts';
import { openFakePlatform, settle, type FakePlatform } from './testing/fake-platform.ts';
import { json, openFakeServer, problem, type FakeServer } from './testing/fake-server.ts';

const ORIGIN = 'https://ingress.example';

async function attached(): Promise<{
  server: FakeServer;
  platform: FakePlatform;
  instance: AxiosInstance;
  detach: () => void;
  client: Client;
}> {
  const server = openFakeServer();
  const platform = openFakePlatform(server.fetch);
  const client = createClient({ baseUrl: ORIGIN, mode: 'bearer', platform });
  await client.login({ email: 'a@example.com', password: 'secret' });
  server.requests.length = 0;
  const instance = create({ baseURL: ORIGIN, adapter: (config) => answerOf(server, instance, config) });
  return { server, platform, instance, client, detach: client.attachToAxios(instance) };
}

/** What axios's own adapters do with an answer, on the fake server. */
async function answerOf(
  server: FakeServer,
  instance: AxiosInstance,
  config: InternalAxiosRequestConfig,
): Promise<AxiosResponse> {
  const { method = 'GET', data } = config;
  const headers = Object.fromEntries(
    Object.entries(config.headers.toJSON()).map(([name, value]) => [name, String(value)]),
  );
  const answer = await server.fetch(instance.getUri(config), {
    method,
    headers,
    ...(data === undefined ? {} : { body: data }),
  });
  const response = {
    data: await answer.text(),
    status: answer.status,
    statusText: '',
    headers: Object.fromEntries(answer.headers),
    config,
  };
  if (answer.ok) return response;
  throw new AxiosError('refused', AxiosError.ERR_BAD_REQUEST, config, undefined, response);
}

describe('axios', () => {
  it('sends the token', async () => {
    const { server, instance } = await attached();
    expect((await instance.get('/x', { params: { a: 1 } })).data).toEqual({ number: 1 });
    expect(server.requests[0]?.line).toBe('GET /x?a=1');
  });

  it('refreshes once for twenty refused requests, and sends each again with its body', async () => {
    const { server, instance } = await attached();
    server.refuseTokens();
    await Promise.all(Array.from({ length: 20 }, (_, each) => instance.post('/x', { each })));
    expect(server.count('POST /api/auth/refresh')).toBe(1);
    const bodies = server.requests.filter(({ line }) => line === 'POST /x').map(({ body }) => String(body));
    expect(bodies.length).toBe(40);
    expect(new Set(bodies).size).toBe(20);
  });

  it('does not send a request a third time', async () => {
    const { server, instance } = await attached();
    server.routes['/x'] = () => problem(401, 'token-invalid');
    await expect(instance.get('/x')).rejects.toMatchObject({ response: { status: 401 } });
    expect(server.count('GET /x')).toBe(2);
  });

  it.each<[string, (server: FakeServer, platform: FakePlatform) => void]>([
    ['that has to be refreshed first', (server, platform) => platform.setClock(server.nowMs() + 3_600_000)],
    ['that the server refuses', (server) => server.refuseTokens()],
  ])('does not wait for a token %s once its signal is aborted, and says that it was cancelled', async (_, expire) => {
    const { server, platform, instance } = await attached();
    let answer = (_response: Response): void => undefined;
    server.refreshes = [
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    ];
    expire(server, platform);
    const giveUp = new AbortController();
    const given = instance.get('/given-up', { signal: giveUp.signal }).catch((error: unknown) => error);
    const patient = instance.get('/patient');
    await settle();
    giveUp.abort();
    expect(isCancel(await given)).toBe(true);
    const sent = server.count('GET /given-up');
    const claims = btoa(JSON.stringify({ sub: server.userId, sid: 'session-1' }));
    answer(json({ accessToken: `h.${claims}.s-9`, refreshToken: 'r-9', expiresIn: 600 }));
    expect((await patient).status).toBe(200);
    expect(server.count('GET /given-up')).toBe(sent);
    expect(server.count('POST /api/auth/refresh')).toBe(1);
  });

  it('tells of the end of the session', async () => {
    const { server, instance } = await attached();
    server.refuseTokens();
    server.refreshes = [() => problem(401, 'session-ended')];
    await expect(instance.get('/x')).rejects.toMatchObject({ code: 'signed-out', detail: 'session-ended' });
  });

  it('passes on every other failure as it is', async () => {
    const { server, instance } = await attached();
    server.routes['/x'] = () => problem(503, 'database-unavailable');
    await expect(instance.get('/x')).rejects.toMatchObject({ response: { status: 503 } });
    expect(server.requests.length).toBe(1);
  });

  it('sends no token to another origin, nor after it was detached', async () => {
    const { server, instance, detach } = await attached();
    await instance.get('https://evil.example/x').catch(() => undefined);
    detach();
    await instance.get('/x').catch(() => undefined);
    expect(server.requests.map(({ headers }) => headers.has('authorization'))).toEqual([false, false]);
  });
});
