import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createClient, type Client } from './create-client.ts';
import { openFakePlatform, settle, type FakePlatform } from './testing/fake-platform.ts';
import { json, openFakeServer, problem, type FakeServer } from './testing/fake-server.ts';

const FILE = new File(['%PDF-1.7 and more'], 'report.pdf', { type: 'application/pdf' });
const PATH = '/api/attachments/T-1';
const accepted = (): Response => json({ id: 'upload-1', status: 'quarantined' }, {}, 202);

async function signedIn(): Promise<{ server: FakeServer; platform: FakePlatform; client: Client }> {
  const server = openFakeServer();
  const platform = openFakePlatform(server.fetch);
  const client = createClient({ baseUrl: 'https://ingress.example', mode: 'bearer', platform });
  await client.login({ email: 'a@example.com', password: 'secret' });
  server.requests.length = 0;
  return { server, platform, client };
}

describe('an upload', () => {
  it('sends the file under its name, its digest and a key', async () => {
    const { server, client } = await signedIn();
    server.routes[PATH] = accepted;
    const progress: number[] = [];
    const receipt = await client.upload(FILE, {
      ticketId: 'T-1',
      onProgress: ({ sentBytes }) => progress.push(sentBytes),
    });
    expect(receipt.id).toBe('upload-1');
    const { line, headers, body } = server.requests[0] ?? {};
    expect(line).toBe(`POST ${PATH}`);
    const digest = createHash('sha256')
      .update(Buffer.from(await FILE.arrayBuffer()))
      .digest('base64');
    expect(headers?.get('repr-digest')).toBe(`sha-256=:${digest}:`);
    expect(headers?.get('idempotency-key')).toMatch(/^[0-9a-f-]{36}$/);
    expect((body as FormData).get('file')).toMatchObject({ name: 'report.pdf', size: FILE.size });
    expect(progress.at(-1)).toBe(FILE.size);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['no answer', () => Promise.reject(new TypeError('fetch failed'))],
    ['408', () => problem(408, 'too-slow')],
    ['409 from the try before', () => problem(409, 'idempotency-in-progress')],
    ['429', () => problem(429, 'rate-limited', { 'retry-after': '5' })],
    ['503', () => problem(503, 'quarantine-full', { 'retry-after': '5' })],
  ])('is tried again after %s, under the same key', async (_what, answer) => {
    const { server, platform, client } = await signedIn();
    const answers = [answer, answer, accepted];
    server.routes[PATH] = () => answers.shift()?.() ?? accepted();
    const uploading = client.upload(FILE, { ticketId: 'T-1' });
    expect((await platform.until(uploading)).id).toBe('upload-1');
    expect(server.requests.length).toBe(3);
    expect(new Set(server.requests.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1);
  });

  it.each([
    [413, 'too-large', {}],
    [415, 'type-not-allowed', {}],
    [422, 'digest-mismatch', {}],
    [429, 'quota-exceeded', { 'retry-after': '3600' }],
    [507, 'storage-full', {}],
  ])('is not tried again after %i %s', async (status, code, headers) => {
    const { server, client } = await signedIn();
    server.routes[PATH] = () => problem(status, code, headers);
    await expect(client.upload(FILE, { ticketId: 'T-1' })).rejects.toMatchObject({ status, code });
    expect(server.requests.length).toBe(1);
  });

  it('is given up after four tries', async () => {
    const { server, platform, client } = await signedIn();
    server.routes[PATH] = () => problem(503, 'queue-unavailable');
    const uploading = client.upload(FILE, { ticketId: 'T-1' }).catch((error: unknown) => error);
    expect(await platform.until(uploading)).toMatchObject({ code: 'queue-unavailable' });
    expect(server.requests.length).toBe(4);
  });

  it('is sent again with a new token where the old one was refused', async () => {
    const { server, client } = await signedIn();
    server.routes[PATH] = accepted;
    server.refuseTokens();
    expect((await client.upload(FILE, { ticketId: 'T-1' })).id).toBe('upload-1');
    expect(server.count(`POST ${PATH}`)).toBe(2);
  });

  it('ends when it is aborted, also in a pause', async () => {
    const { server, platform, client } = await signedIn();
    server.routes[PATH] = () => problem(503, 'quarantine-full', { 'retry-after': '20' });
    const abort = new AbortController();
    const uploading = client.upload(FILE, { ticketId: 'T-1', signal: abort.signal }).catch((error: unknown) => error);
    while (server.requests.length === 0) await settle();
    await settle();
    abort.abort();
    expect(await uploading).toMatchObject({ name: 'AbortError' });
    await platform.advance(60_000);
    expect(server.requests.length).toBe(1);
  });
});

describe('waiting for a verdict', () => {
  it('follows the states by long polls until it is decided', async () => {
    const { server, client } = await signedIn();
    const states = [
      json({ status: 'quarantined' }, { etag: '"v1"' }),
      new Response(null, { status: 304 }),
      json({ status: 'scanning' }, { etag: '"v2"' }),
      json({ status: 'clean' }, { etag: '"v3"' }),
    ];
    server.routes['/api/uploads/upload-1'] = () => states.shift() ?? problem(500, 'bug');
    const seen: string[] = [];
    const state = await client.waitForVerdict('upload-1', { onChange: ({ status }) => seen.push(status) });
    expect(state.status).toBe('clean');
    expect(seen).toEqual(['quarantined', 'scanning', 'clean']);
    expect(server.requests.map(({ headers }) => headers.get('if-none-match'))).toEqual([null, '"v1"', '"v1"', '"v2"']);
    expect(server.requests.every(({ headers }) => headers.get('prefer') === 'wait=20')).toBe(true);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['no answer', () => Promise.reject(new TypeError('fetch failed'))],
    ['429', () => problem(429, 'limit-exceeded', { 'retry-after': '3' })],
    ['503', () => problem(503, 'database-unavailable')],
    ['an answer that breaks off', () => new Response('{"sta', { headers: { etag: '"v1"' } })],
  ])('goes on after %s', async (_what, answer) => {
    const { server, platform, client } = await signedIn();
    const answers = [answer, () => json({ status: 'infected' })];
    server.routes['/api/uploads/upload-1'] = () => answers.shift()?.() ?? problem(500, 'bug');
    const waiting = client.waitForVerdict('upload-1');
    expect((await platform.until(waiting)).status).toBe('infected');
  });

  it('ends with 404, and when it is aborted', async () => {
    const { server, client } = await signedIn();
    server.routes['/api/uploads/upload-1'] = () => problem(404, 'not-found');
    await expect(client.waitForVerdict('upload-1')).rejects.toMatchObject({ code: 'not-found' });
    const signal = AbortSignal.abort();
    await expect(client.waitForVerdict('upload-1', { signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});
