import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Router } from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { consoleRoutes } from './console.ts';
import { allowOrigin } from './cors.ts';
import { pageHeaders } from './page-headers.ts';
import { startApp } from './testing/start-app.ts';

const SCRIPT = 'export const hello = "world";\n'.repeat(50);
const directory = mkdtempSync(join(tmpdir(), 'console-'));
const asPage = pageHeaders({ clientUrl: 'http://localhost:5173', secure: false, preload: false });
let app: Awaited<ReturnType<typeof startApp>>;

beforeAll(async () => {
  mkdirSync(join(directory, 'assets'));
  writeFileSync(
    join(directory, 'index.html'),
    '<meta content="__ORIGIN__"><script nonce="__NONCE__"></script><link nonce="__NONCE__">',
  );
  writeFileSync(join(directory, 'assets', 'main-abc.js'), SCRIPT);
  writeFileSync(join(directory, 'assets', 'secret.env'), 'no');
  app = await startApp([
    Router().use(allowOrigin('https://app.example')),
    consoleRoutes({ origin: 'https://ingress.example', asPage, directory }),
  ]);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const nonceIn = (policy: string): string => /script-src 'self' 'nonce-([^']+)'/.exec(policy)?.[1] ?? '';

it.each(['/', '/console'])('leads from %s to the console', async (path) => {
  const answer = await fetch(app.origin + path, { redirect: 'manual' });
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toBe('/console/');
});

it.each(['/console/', '/console/reset', '/console/receipts', '/console/receipts/0190aaaa-0000-7000-8000-000000000000'])(
  'answers %s with the page, its nonce and its origin',
  async (path) => {
    const answer = await fetch(app.origin + path);
    const html = await answer.text();
    const nonce = nonceIn(answer.headers.get('content-security-policy') ?? '');
    expect(nonce).toMatch(/^[\w+/]{24}$/);
    expect(html).toBe(
      `<meta content="https://ingress.example"><script nonce="${nonce}"></script><link nonce="${nonce}">`,
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.has('etag')).toBe(false);
  },
);

it('never uses a nonce twice', async () => {
  const nonces = new Set<string>();
  for (let each = 0; each < 200; each += 1) {
    const answer = await fetch(`${app.origin}/console/`, { headers: { 'if-none-match': '*' } });
    expect(answer.status).toBe(200);
    nonces.add(nonceIn(answer.headers.get('content-security-policy') ?? ''));
    await answer.text();
  }
  expect(nonces.size).toBe(200);
});

it('lets browsers keep what has its hash in its name, for ever', async () => {
  const answer = await fetch(`${app.origin}/console/assets/main-abc.js`);
  expect(await answer.text()).toBe(SCRIPT);
  expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(answer.headers.get('vary')).toBe('origin, accept-encoding');
});

it.each([
  ['gzip, br', 'gzip'],
  ['identity', undefined],
  [undefined, undefined],
  ['gzip;q=0', undefined],
])('answers an Accept-Encoding of %s with %s', async (accepted, encoding) => {
  const headers: Record<string, string> = accepted === undefined ? {} : { 'accept-encoding': accepted };
  const { bytes, contentEncoding } = await raw(`${app.origin}/console/assets/main-abc.js`, headers);
  expect(contentEncoding).toBe(encoding);
  expect((encoding === 'gzip' ? gunzipSync(bytes) : bytes).toString()).toBe(SCRIPT);
});

it.each([
  '/console/assets/nothing.js',
  '/console/assets/secret.env',
  '/console/assets/..%2findex.html',
  '/console/assets/..%2f..%2f..%2fpackage.json',
  '/console/assets/%2e%2e/%2e%2e/index.html',
  '/console/assets/constructor',
  '/console/assets/__proto__',
])('has no asset %s', async (path) => {
  const answer = await fetch(app.origin + path);
  const text = await answer.text();
  expect(text).not.toContain('export const');
  expect(text.includes('nonce=') || answer.status === 404).toBe(true);
});

it.each(['POST', 'DELETE', 'PUT'])('answers %s with 405', async (method) => {
  for (const path of ['/', '/console', '/console/', '/console/assets/main-abc.js']) {
    const answer = await fetch(app.origin + path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
  }
});

it('says so where the console was not built', async () => {
  const bare = await startApp([consoleRoutes({ origin: 'https://x.example', asPage, directory: '/nowhere' })]);
  const answer = await fetch(`${bare.origin}/console/`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ code: 'not-found', detail: 'the console was not built' });
  await bare[Symbol.asyncDispose]();
});

function raw(
  url: string,
  headers: Record<string, string>,
): Promise<{ bytes: Buffer; contentEncoding: string | undefined }> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ bytes: Buffer.concat(chunks), contentEncoding: response.headers['content-encoding'] });
      });
    }).on('error', reject);
  });
}
