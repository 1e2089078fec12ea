import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { openHealth, type HealthOptions } from '#runtime/health.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(options: HealthOptions): Promise<string> {
  const answer = openHealth(options);
  const server = createServer((request, response) => {
    if (!answer(request, response)) response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const up = { name: 'database', required: true, check: () => Promise.resolve() };
const down = { name: 'queue', required: false, check: () => Promise.reject(new Error('secret reason')) };
const hung = { name: 'database', required: true, check: () => new Promise<void>(() => undefined) };
const metrics = { contentType: 'text/plain', metrics: () => Promise.resolve('a 1') };

it('is ready when everything answers', async () => {
  const origin = await serve({ checks: [up] });
  const response = await fetch(`${origin}/readyz`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: 'ready', checks: { database: 'ok' } });
});

it('is degraded, and still 200, without what it can work without', async () => {
  const origin = await serve({ checks: [up, down] });
  const response = await fetch(`${origin}/readyz`);
  expect(response.status).toBe(200);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ status: 'degraded' });
  expect(text).not.toContain('secret');
});

it('is unready within two seconds when a store hangs', async () => {
  const origin = await serve({ checks: [hung] });
  const startedAt = performance.now();
  expect((await fetch(`${origin}/readyz`)).status).toBe(503);
  expect(performance.now() - startedAt).toBeLessThan(2_500);
});

it('is alive whatever its stores do', async () => {
  const origin = await serve({ checks: [hung] });
  expect((await fetch(`${origin}/livez`)).status).toBe(200);
});

it.each([{ 'x-forwarded-for': '203.0.113.9' }, { via: '1.1 proxy' }])(
  'tells strangers the status alone: %j',
  async (headers) => {
    const origin = await serve({ checks: [up], metrics });
    const ready = await fetch(`${origin}/readyz`, { headers });
    expect([ready.status, await ready.text()]).toEqual([200, '']);
    expect((await fetch(`${origin}/metrics`, { headers })).status).toBe(403);
  },
);

it('asks for the token where one is set, on this machine too', async () => {
  const origin = await serve({ checks: [up], metrics, metricsToken: 'a-good-metrics-token' });
  expect((await fetch(`${origin}/metrics`)).status).toBe(403);
  const response = await fetch(`${origin}/metrics`, { headers: { authorization: 'Bearer a-good-metrics-token' } });
  expect([response.status, await response.text()]).toEqual([200, 'a 1']);
});

it.each([
  ['GET', '/livez', 200],
  ['GET', '/readyz', 503],
  ['GET', '/metrics', 404],
  ['POST', '/livez', 405],
])('has the headers of every answer: %s %s', async (method, path, status) => {
  const origin = await serve({ checks: [{ ...down, required: true }] });
  const answer = await fetch(origin + path, { method });
  expect(answer.status).toBe(status);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
  });
});

it('refuses other methods and leaves other paths alone', async () => {
  const origin = await serve({ checks: [up] });
  const posted = await fetch(`${origin}/livez`, { method: 'POST' });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect((await fetch(`${origin}/other`)).status).toBe(404);
});
