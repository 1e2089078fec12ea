import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startSystem } from '#testing/system.ts';
import { WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';

interface Received {
  headers: IncomingHttpHeaders;
  path: string;
  body: Buffer;
}

async function openReceiver(): Promise<{ origin: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void request.toArray().then((parts: Buffer[]) => {
      received.push({ headers: request.headers, path: request.url ?? '', body: Buffer.concat(parts) });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const message = {
  object: 'whatsapp_business_account',
  entry: [
    {
      id: '1',
      changes: [
        {
          field: 'messages',
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '1', phone_number_id: '1' },
            messages: [{ from: '49', id: 'wamid.T', timestamp: '1700000000', type: 'text', text: { body: 'hi' } }],
          },
        },
      ],
    },
  ],
};

it('shows one webhook as one trace, from the request to the forwarded event', async () => {
  const collector = await openReceiver();
  const application = await openReceiver();
  const system = await startSystem({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin,
    FORWARD_URL: `${application.origin}/events`,
    FORWARD_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    FORWARD_ALLOW_PRIVATE: 'yes',
  });
  onTestFinished(() => system[Symbol.asyncDispose]());
  const body = JSON.stringify(message);
  const foreign = '00-11111111111111111111111111111111-2222222222222222-01';
  const answer = await fetch(`${system.origin}/api/whatsapp/webhook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': `sha256=${createHmac('sha256', WHATSAPP_TEST_SECRET).update(body).digest('hex')}`,
      traceparent: foreign,
    },
    body,
  });
  expect(answer.status).toBe(200);
  const { rows } = await system.database.pool.query<{ traceparent: string }>('select traceparent from webhook_log');
  const [, traceId = ''] = rows[0]?.traceparent.split('-') ?? [];
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(foreign).not.toContain(traceId);

  const showsIn = (service: string, span: string): boolean =>
    collector.received.some(
      ({ path, body: sent }) =>
        path === '/v1/traces' && [Buffer.from(traceId, 'hex'), service, span].every((part) => sent.includes(part)),
    );
  await vi.waitFor(
    () => {
      for (const span of ['HTTP POST', 'journal commit']) expect(showsIn('portcullis-ingress', span)).toBe(true);
      for (const span of ['process receipt', 'effect forward']) expect(showsIn('portcullis-worker', span)).toBe(true);
    },
    { timeout: 20_000, interval: 100 },
  );
  expect(application.received.map(({ headers }) => String(headers['traceparent']).split('-')[1])).toEqual([traceId]);
});
