import { describe, expect, it } from 'vitest';
import { createClient, type Client, type ClientOptions } from './create-client.ts';
import { openFakePlatform, type FakePlatform } from './testing/fake-platform.ts';
import { openFakeServer, problem, type FakeServer } from './testing/fake-server.ts';

async function signedIn(
  options: Partial<ClientOptions> = {},
): Promise<{ server: FakeServer; platform: FakePlatform; client: Client }> {
  const server = openFakeServer();
  const platform = openFakePlatform(server.fetch);
  const client = createClient({ baseUrl: 'https://ingress.example/base/', mode: 'bearer', platform, ...options });
  await client.login({ email: 'a@example.com', password: 'secret' });
  server.requests.length = 0;
  return { server, platform, client };
}

const stream = (): ReadableStream => new Blob(['{"a":1}']).stream();

describe('a request whose token was refused', () => {
  it.each<[string, RequestInit]>([
    ['a text', { body: '{"a":1}' }],
    ['a form', { body: new URLSearchParams({ a: '1' }) }],
    ['bytes', { body: new TextEncoder().encode('{"a":1}') }],
    ['a file', { body: new Blob(['{"a":1}']) }],
    ['nothing', {}],
  ])('is sent again once, with the same body: %s', async (_what, init) => {
    const { server, client } = await signedIn();
    server.refuseTokens();
    expect((await client.fetch('/x', { method: 'POST', ...init })).status).toBe(200);
    const [first, , second] = server.requests;
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers.get('authorization')).not.toBe(first?.headers.get('authorization'));
  });

  it.each<[string, () => Parameters<typeof fetch>]>([
    ['a stream', () => ['/x', { method: 'POST', body: stream(), duplex: 'half' }]],
    ['a Request with a body', () => [new Request('https://ingress.example/base/x', { method: 'POST', body: 'a' })]],
  ])('is not sent again with a body that is used up: %s', async (_what, make) => {
    const { server, client } = await signedIn();
    server.refuseTokens();
    expect((await client.fetch(...make())).status).toBe(401);
    expect(server.count('POST /x')).toBe(1);
    expect((await client.fetch(...make())).status).toBe(200);
  });

  it('is not sent a third time', async () => {
    const { server, client } = await signedIn();
    server.routes['/x'] = () => problem(401, 'token-invalid');
    expect((await client.fetch('/x')).status).toBe(401);
    expect(server.count('GET /x')).toBe(2);
  });

  it('is not repeated, nor refreshed for, where somebody else refuses a fresh token', async () => {
    const { server, client } = await signedIn();
    server.routes['/x'] = () => new Response('no', { status: 401 });
    expect((await client.fetch('/x')).status).toBe(401);
    expect(server.requests.length).toBe(1);
  });

  it.each([400, 403, 404, 409, 429, 500, 503])('stays what it is for a status of %i', async (status) => {
    const { server, client } = await signedIn();
    server.routes['/x'] = () => problem(status, 'csrf-refused');
    expect((await client.fetch('/x')).status).toBe(status);
    expect(server.requests.length).toBe(1);
  });
});

describe('the token', () => {
  it.each([
    ['https://ingress.example.evil.example/x', undefined, false],
    ['//evil.example/x', undefined, false],
    ['http://ingress.example/x', undefined, false],
    ['https://app.example/api', undefined, false],
    ['https://app.example/api', ['https://app.example'], true],
    ['https://ingress.example/elsewhere', undefined, true],
    ['relative', undefined, true],
  ])('to %s with the origins %o is sent: %s', async (url, origins, isSent) => {
    const { server, client } = await signedIn(origins === undefined ? {} : { origins });
    await client.fetch(url).catch(() => undefined);
    const tokens = server.requests.map(({ headers }) => headers.has('authorization'));
    expect(tokens).toEqual(url.startsWith('//') && !isSent ? [] : [isSent]);
  });

  it('keeps the headers of the request', async () => {
    const { server, client } = await signedIn();
    await client.fetch(new Request('https://ingress.example/base/x', { headers: { 'x-mine': '1' } }));
    await client.fetch('/x', { headers: [['x-mine', '2']] });
    expect(server.requests.map(({ headers }) => headers.get('x-mine'))).toEqual(['1', '2']);
  });
});
