import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { isFailure } from '#runtime/failure.ts';
import { openTicketCheck } from '#uploads/ticket-check.ts';

async function host(status: number): Promise<{ url: string; asked: unknown[] }> {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      asked.push(JSON.parse(body));
      if (status > 0) response.writeHead(status, { location: '/elsewhere' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/check`, asked };
}

it.each([
  [200, true],
  [201, false],
  [204, false],
  [302, false],
  [401, false],
  [403, false],
  [404, false],
])('takes the answer %i for %s', async (status, isAllowed) => {
  const { url, asked } = await host(status);
  expect(await openTicketCheck(url)('user', 'ticket')).toBe(isAllowed);
  expect(asked).toEqual([{ userId: 'user', ticketId: 'ticket' }]);
});

it.each([500, 503, 0])('takes the answer %i for none', { timeout: 10_000 }, async (status) => {
  const { url } = await host(status);
  const error: unknown = await openTicketCheck(url)('user', 'ticket').catch((failure: unknown) => failure);
  expect(isFailure(error, 'ticket-unchecked')).toBe(true);
});

it('lets everyone use every ticket when there is nobody to ask', async () => {
  expect(await openTicketCheck(undefined)('user', 'ticket')).toBe(true);
});
