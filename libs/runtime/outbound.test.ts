import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { isPrivateAddress, isReachable, openOutbound, privateReach } from '#runtime/outbound.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const never = new AbortController().signal;

it.each([
  ['127.0.0.1', true],
  ['10.1.2.3', true],
  ['169.254.169.254', true],
  ['192.168.0.1', true],
  ['100.64.0.1', true],
  ['0.0.0.0', true],
  ['::1', true],
  ['fe80::1', true],
  ['fd00::1', true],
  ['::ffff:10.0.0.1', true],
  ['8.8.8.8', false],
  ['2606:4700::1111', false],
  ['example.com', false],
])('knows whether %s is private: %s', (address, isPrivate) => {
  expect(isPrivateAddress(address)).toBe(isPrivate);
});

it('posts the body and reads status, wait and text', async () => {
  const port = await serve((request, response) => {
    request.resume().on('end', () => response.writeHead(429, { 'retry-after': '7' }).end('slow down'));
  });
  const outbound = openOutbound({ allowPrivate: true });
  expect(await outbound.post(`http://127.0.0.1:${port}/x`, {}, 'body', never)).toEqual({
    status: 429,
    retryAfterSeconds: 7,
    text: 'slow down',
  });
  await outbound.close();
});

it.each(['http://127.0.0.1', 'http://localhost', 'http://[::1]', 'http://[::ffff:127.0.0.1]', 'http://2130706433'])(
  'sends nothing to %s unless private addresses are allowed',
  async (origin) => {
    let requests = 0;
    const port = await serve((_request, response) => {
      requests += 1;
      response.end();
    });
    const outbound = openOutbound({ allowPrivate: false });
    await expect(outbound.post(`${origin}:${port}/`, {}, '', never)).rejects.toThrow('private');
    expect(requests).toBe(0);
    await outbound.close();
  },
);

it('reaches one private host where just that one is allowed', async () => {
  const port = await serve((_request, response) => response.end());
  const other = await serve((_request, response) => response.end());
  const outbound = openOutbound({ allowPrivate: [`localhost:${port}`] });
  expect(await outbound.post(`http://localhost:${port}/`, {}, '', never)).toMatchObject({ status: 200 });
  await expect(outbound.post(`http://127.0.0.1:${port}/`, {}, '', never)).rejects.toThrow('private');
  await expect(outbound.post(`http://localhost:${other}/`, {}, '', never)).rejects.toThrow('private');
  await outbound.close();
});

it.each([
  ['http://10.0.0.5/x', 'yes', true],
  ['http://10.0.0.5/x', 'no', false],
  ['http://10.0.0.5/x', undefined, false],
  ['https://8.8.8.8/', 'no', true],
  ['http://10.0.0.5/x', '10.0.0.5', true],
  ['http://10.0.0.5:8080/x', '10.0.0.5', false],
  ['http://10.0.0.5:8080/x', '10.0.0.4:8080,10.0.0.5:8080', true],
  ['http://[fd00::1]:8080/x', '[fd00::1]:8080', true],
])('lets %s be reached with %s: %s', (url, setting, isAllowed) => {
  expect(isReachable(url, privateReach().parse(setting))).toBe(isAllowed);
});

it.each(['maybe?', '10.0.0.5:8080,', 'http://10.0.0.5', ' 10.0.0.5'])('does not take %j for hosts', (setting) => {
  expect(privateReach().safeParse(setting).success).toBe(false);
});

it('follows no redirect', async () => {
  const port = await serve((_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
  const outbound = openOutbound({ allowPrivate: true });
  expect(await outbound.post(`http://127.0.0.1:${port}/`, {}, '', never)).toMatchObject({ status: 302 });
  await outbound.close();
});

it('gives up on an answer that never ends', async () => {
  const port = await serve((_request, response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write('x'.repeat(10_000)), 1);
    response.on('close', () => clearInterval(more));
  });
  const outbound = openOutbound({ allowPrivate: true });
  await expect(outbound.post(`http://127.0.0.1:${port}/`, {}, '', never)).rejects.toThrow('Response content');
  await outbound.close();
});

it("ends with its caller's signal", async () => {
  const port = await serve(() => undefined);
  const outbound = openOutbound({ allowPrivate: true });
  await expect(outbound.post(`http://127.0.0.1:${port}/`, {}, '', AbortSignal.timeout(50))).rejects.toThrow('timeout');
  await outbound.close();
});
