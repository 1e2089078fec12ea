import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { startIngress, type StartedIngress } from './testing/start-ingress.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const OLD_SECRET = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const VERIFY_TOKEN = 'vt-29384756-canary';
const PATH = '/api/whatsapp/webhook';
const MAX_BYTES = 10_000;

let database: TestDatabase;
let ingress: StartedIngress;
beforeAll(async () => {
  database = await openTestDatabase();
  ingress = await startIngress({
    DATABASE_URL: database.url,
    WHATSAPP_APP_SECRET: `${SECRET},old:${OLD_SECRET}`,
    WHATSAPP_VERIFY_TOKEN: VERIFY_TOKEN,
    WEBHOOK_MAX_BYTES: String(MAX_BYTES),
  });
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let n = 0;
let body = '';
beforeEach(() => {
  n += 1;
  body = JSON.stringify({ object: 'whatsapp_business_account', entry: [], n });
});

const macOf = (bytes: string | Buffer, secret = SECRET): string =>
  createHmac('sha256', secret).update(bytes).digest('hex');
const signatureOf = (bytes: string | Buffer, secret = SECRET): Record<string, string> => ({
  'x-hub-signature-256': `sha256=${macOf(bytes, secret)}`,
});

function post(bytes: string | Buffer, headers: Record<string, string>, path = PATH): Promise<Response> {
  return fetch(ingress.origin + path, { method: 'POST', body: new Uint8Array(Buffer.from(bytes)), headers });
}

async function receipt(response: Response) {
  const id = response.headers.get('x-receipt-id');
  for (let tries = 0; tries < 50; tries += 1) {
    const { rows } = await database.pool.query('select * from webhook_log where id = $1', [id]);
    if (rows[0] !== undefined) return rows[0];
    await sleep(20);
  }
  throw new Error(`no receipt ${id}`);
}

it('answers a signed webhook with 200, an empty body and the id of its receipt', async () => {
  const response = await post(body, signatureOf(body));
  expect([response.status, await response.text()]).toEqual([200, '']);
  expect(response.headers.get('x-receipt-verdict')).toBeNull();
  expect(await receipt(response)).toMatchObject({
    verdict: 'accepted',
    state: 'open',
    source: 'whatsapp',
    body: Buffer.from(body),
  });
});

it('answers a copy with the first receipt and says that it is one', async () => {
  const [first, second] = [await post(body, signatureOf(body)), await post(body, signatureOf(body))];
  expect(second.status).toBe(200);
  expect(second.headers.get('x-receipt-id')).toBe(first.headers.get('x-receipt-id'));
  expect(second.headers.get('x-receipt-verdict')).toBe('duplicate');
  expect(await receipt(first)).toMatchObject({ duplicates: 1 });
});

it('accepts each of several active secrets and keeps the label of the one that matched', async () => {
  expect(await receipt(await post(body, signatureOf(body, OLD_SECRET)))).toMatchObject({ secret_label: 'old' });
});

it("takes a caller's request id if it has an acceptable form, and keeps it with the receipt", async () => {
  const response = await post(body, { ...signatureOf(body), 'x-request-id': 'from-the-proxy-1' });
  expect(response.headers.get('x-request-id')).toBe('from-the-proxy-1');
  expect(await receipt(response)).toMatchObject({ correlation_id: 'from-the-proxy-1' });
  const other = await post(body, { ...signatureOf(body), 'x-request-id': 'no spaces, please' });
  expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

describe('refuses with one identical 403 and a receipt that says why', () => {
  const good = (): string => `sha256=${macOf(body)}`;
  it.each<[string, () => Record<string, string>]>([
    ['signature-missing', () => ({})],
    ['signature-malformed', () => ({ 'x-hub-signature-256': '' })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': macOf(body) })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': good().toUpperCase() })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': `sha256=${macOf(body).toUpperCase()}` })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': good().slice(0, -1) })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': `${good()}0` })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': `${good()}zz` })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': `${good()}, ${good()}` })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': `${good()}=junk` })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': `sha256=${'g'.repeat(64)}` })],
    ['signature-malformed', () => ({ 'x-hub-signature-256': 'x'.repeat(8_000) })],
    [
      'signature-missing',
      () => ({ 'x-hub-signature': `sha1=${createHmac('sha1', SECRET).update(body).digest('hex')}` }),
    ],
    ['signature-mismatch', () => signatureOf(body, VERIFY_TOKEN)],
    ['signature-mismatch', () => signatureOf(`${body}\n`)],
    ['signature-mismatch', () => signatureOf(JSON.stringify(JSON.parse(body), undefined, 1))],
  ])('%s (%#)', async (reason, headers) => {
    const response = await post(body, headers());
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const { requestId, ...problem } = (await response.json()) as Record<string, unknown>;
    expect(requestId).toBe(response.headers.get('x-request-id'));
    expect(problem).toEqual({
      type: 'urn:portcullis:problem:signature-invalid',
      title: 'The signature does not match',
      status: 403,
      code: 'signature-invalid',
    });
    expect(await receipt(response)).toMatchObject({ verdict: `refused:${reason}`, state: 'done', dedupe_key: null });
  });

  it('signature-repeated, on the wire', async () => {
    const header = `x-hub-signature-256: ${good()}\r\n`;
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\n${header}${header}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  it.each(['/api/webhooks/unset', '/api/webhooks/__proto__', '/api/webhooks/%77hatsapp', '/api/wooalerts-webhook'])(
    'source-unknown: %s',
    async (path) => {
      const response = await post(body, signatureOf(body), path);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'signature-invalid', title: 'The signature does not match' });
      expect(await receipt(response)).toMatchObject({ verdict: 'refused:source-unknown', source: 'unknown' });
    },
  );
});

describe('answers what is wrong with the request itself', () => {
  it('an empty body with 400', async () => {
    const response = await post('', signatureOf(''));
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'body-empty' })]);
  });

  it('an empty chunked body with 400', async () => {
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: sha256=${macOf('')}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('a body that is too long by its declared length with 413, without reading it', async () => {
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: sha256=${macOf('')}\r\ncontent-length: ${MAX_BYTES + 1}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a chunked body that grows too long with 413', async () => {
    const chunk = `${(1_000).toString(16)}\r\n${'x'.repeat(1_000)}\r\n`;
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: sha256=${macOf('')}\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(12)}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('an encoded body with 415', async () => {
    const response = await post(body, { ...signatureOf(body), 'content-encoding': 'gzip' });
    expect([response.status, await response.json()]).toEqual([
      415,
      expect.objectContaining({ code: 'content-encoding-unsupported' }),
    ]);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])('%s with 405 and what is allowed', async (method) => {
    const response = await fetch(ingress.origin + PATH, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST']);
  });

  it('a length and a transfer encoding together with 400', async () => {
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    '/api/whatsapp/webhook/',
    '/API/whatsapp/webhook',
    '/api/whatsapp//webhook',
    '/api/webhooks/a/b',
    '/api/webhooks/',
  ])('another path with 404: %s', async (path) => {
    expect((await post(body, signatureOf(body), path)).status).toBe(404);
  });
});

describe('accepts', () => {
  it('a body without a content type', async () => {
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: sha256=${macOf(body)}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a chunked body', async () => {
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: sha256=${macOf(body)}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunks}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('HTTP/1.0, answered unchunked', async () => {
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.0\r\nx-hub-signature-256: sha256=${macOf(body)}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.[01] 200 /);
    expect(answer).not.toMatch(/transfer-encoding/i);
  });

  it('Expect: 100-continue', async () => {
    const answer = await ingress.raw(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nx-hub-signature-256: sha256=${macOf(body)}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });
});

it('verifies bytes that are no text first, and refuses them then', async () => {
  const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d, n]);
  const response = await post(bytes, signatureOf(bytes));
  expect(response.status).toBe(403);
  expect(await receipt(response)).toMatchObject({ verdict: 'refused:body-invalid', body: bytes });
});

describe('the verification challenge', () => {
  const challenge = (query: string): Promise<Response> => fetch(`${ingress.origin}${PATH}?${query}`);

  it('echoes the challenge as plain text for the right token', async () => {
    const response = await challenge(`hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${VERIFY_TOKEN}`);
    expect([response.status, await response.text()]).toEqual([200, '1158201444']);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await receipt(response)).toMatchObject({ verdict: 'challenge' });
  });

  it.each([
    'hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong-token-entirely',
    'hub.mode=subscribe&hub.challenge=1',
    `hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=${VERIFY_TOKEN}`,
    `hub.mode=subscribe&hub.verify_token=${VERIFY_TOKEN}`,
    `hub.mode=subscribe&hub.challenge=1&hub.challenge=2&hub.verify_token=${VERIFY_TOKEN}`,
    `hub.mode=subscribe&hub.challenge=1&hub.verify_token=${VERIFY_TOKEN}&hub.verify_token=${VERIFY_TOKEN}`,
    '',
  ])('refuses %s', async (query) => {
    expect((await challenge(query)).status).toBe(403);
  });
});

it('answers 503 with an integer Retry-After, in time, when PostgreSQL can not commit', async () => {
  const blocker = await database.pool.connect();
  await blocker.query('begin');
  await blocker.query('lock table webhook_log in access exclusive mode');
  const startedAt = performance.now();
  const response = await post(body, signatureOf(body));
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(performance.now() - startedAt).toBeLessThan(1_800);
  await blocker.query('rollback');
  blocker.release();
  expect((await post(body, signatureOf(body))).status).toBe(200);
});

it('has logged no secret, token, signature or body', () => {
  for (const canary of [SECRET, OLD_SECRET, VERIFY_TOKEN, 'whatsapp_business_account', 'sha256=']) {
    expect(ingress.logged()).not.toContain(canary);
  }
});
