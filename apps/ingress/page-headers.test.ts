import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { openLog } from '#runtime/log.ts';
import { nonceOf, pageHeaders, type PageHeaderOptions } from './page-headers.ts';
import { answerProblems } from './problem.ts';

const options: PageHeaderOptions = { clientUrl: 'https://app.example.com/', secure: true, preload: false };

async function startPages(changed: Partial<PageHeaderOptions> = {}): Promise<string> {
  const app = express();
  app.use(pageHeaders({ ...options, ...changed }));
  app.get('/', (_request, response) => {
    response.set({ etag: '"page"', 'last-modified': new Date(0).toUTCString() });
    response.type('html').send(`<script nonce="${nonceOf(response)}"></script>`);
  });
  app.get('/broken', () => {
    throw new Error('broken');
  });
  app.use(answerProblems(openLog({ name: 'test', level: 'silent' })));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const nonceIn = (text: string): string | undefined => /'?nonce[-=]"?([\w+/=]+)/.exec(text)?.[1];

it('gives a page the policy that its scripts and styles keep to', async () => {
  const response = await fetch(await startPages());
  const policy = response.headers.get('content-security-policy') ?? '';
  const nonce = nonceIn(policy);
  expect(nonceIn(await response.text())).toBe(nonce);
  expect(policy.split(';')).toEqual([
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: https:",
    "connect-src 'self' https://app.example.com",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    'report-uri /api/csp-reports',
    'report-to csp',
    'upgrade-insecure-requests',
  ]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'reporting-endpoints': 'csp="/api/csp-reports"',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
});

it('asks for TLS only where there is TLS, and for preloading only where that is set', async () => {
  const plain = await fetch(await startPages({ secure: false, preload: true }));
  expect(plain.headers.get('strict-transport-security')).toBeNull();
  expect(plain.headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests');
  const preloaded = await fetch(await startPages({ preload: true }));
  expect(preloaded.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains; preload');
});

it('never answers 304, whose nonce would be an old one', async () => {
  const origin = await startPages();
  const headers = { 'if-none-match': '"page"', 'if-modified-since': new Date().toUTCString() };
  expect((await fetch(origin, { headers })).status).toBe(200);
});

it('shows no nonce in an error', async () => {
  const response = await fetch(`${await startPages()}/broken`);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain(nonceIn(response.headers.get('content-security-policy') ?? ''));
});

it('makes a nonce of 144 bits for each of 100,000 answers, and none twice', () => {
  const setPageHeaders = pageHeaders(options);
  const seen = new Set<string>();
  const request = { headers: {} } as Request;
  for (let n = 0; n < 100_000; n += 1) {
    const ignore = (): void => undefined;
    const response = { locals: {}, set: ignore, setHeader: ignore, removeHeader: ignore } as unknown as Response;
    void setPageHeaders(request, response, ignore);
    seen.add(nonceOf(response));
  }
  expect(seen.size).toBe(100_000);
  const [first] = seen;
  expect(Buffer.from(first as string, 'base64')).toHaveLength(18);
});
