import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { makeUser, openClient, PASSWORD, randomAddress } from './testing/people.ts';
import { startIngress, type StartedIngress } from './testing/start-ingress.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const CLIENT = 'https://app.example.com';
const EMAIL = 'headers@example.com';

let database: TestDatabase;
let ingress: StartedIngress;
let token = '';
beforeAll(async () => {
  database = await openTestDatabase();
  ingress = await startIngress({
    DATABASE_URL: database.url,
    TRUST_PROXY: '127.0.0.1/32',
    PUBLIC_URL: 'https://in.example.com',
    CLIENT_URL: `${CLIENT}/`,
    WHATSAPP_APP_SECRET: SECRET,
  });
  await makeUser(database.pool, { email: EMAIL, role: 'admin' });
  token = (await login()).body.accessToken;
});
afterAll(async () => {
  await ingress?.[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const login = () => openClient(ingress.origin)('/api/auth/login', { body: { email: EMAIL, password: PASSWORD } });
const bearer = (): Record<string, string> => ({ authorization: `Bearer ${token}` });
const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [] });
const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`;
const JSON_TYPE = { 'content-type': 'application/json' };

type Asked = [title: string, path: string, status: number, init?: () => RequestInit];
const answers: Asked[] = [
  ['public keys', '/.well-known/jwks.json', 200],
  ['who I am', '/api/auth/me', 200, () => ({ headers: bearer() })],
  ['nobody', '/api/auth/me', 401],
  ['a list', '/api/sessions?limit=1', 200, () => ({ headers: bearer() })],
  ['nothing', '/api/nothing', 404],
  ['another method', '/api/auth/login', 405],
  ['another type', '/api/auth/login', 415, () => ({ method: 'POST', body: 'x' })],
  ['broken JSON', '/api/auth/login', 400, () => ({ method: 'POST', body: '{', headers: JSON_TYPE })],
  ['a wrong shape', '/api/auth/login', 422, () => ({ method: 'POST', body: '{}', headers: JSON_TYPE })],
  [
    'a large body',
    '/api/auth/login',
    413,
    () => ({ method: 'POST', body: `"${'x'.repeat(9_000)}"`, headers: JSON_TYPE }),
  ],
  [
    'a preflight',
    '/api/auth/login',
    204,
    () => ({ method: 'OPTIONS', headers: { origin: CLIENT, 'access-control-request-method': 'POST' } }),
  ],
  [
    'a webhook',
    '/api/whatsapp/webhook',
    200,
    () => ({ method: 'POST', body, headers: { 'x-hub-signature-256': signature } }),
  ],
  ['a forged webhook', '/api/whatsapp/webhook', 403, () => ({ method: 'POST', body })],
  ['no such webhook', '/api/webhooks/nobody', 403, () => ({ method: 'POST', body })],
];

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { 'x-forwarded-for': randomAddress(), ...(init.headers as Record<string, string>) };
  return fetch(ingress.origin + path, { ...init, headers });
}

describe('every answer', () => {
  it.each(answers)('has the headers of an API: %s', async (_, path, status, init) => {
    const response = await ask(path, init?.());
    expect(response.status).toBe(status);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-request-id': expect.stringMatching(/^[\w-]{8,64}$/),
    });
    for (const name of ['x-powered-by', 'server', 'x-aspnet-version']) expect(response.headers.get(name)).toBeNull();
    expect(await response.text()).not.toMatch(/\bat \/|node_modules|Error:/);
    const asProblem = [response.headers.get('content-type'), response.headers.get('cache-control')];
    expect(status < 400 || asProblem.join(' ') === 'application/problem+json no-store').toBe(true);
  });

  it('asks for TLS and preloading only where they are set', async () => {
    const env = { DATABASE_URL: database.url, HSTS_PRELOAD: 'yes' };
    for (const [publicUrl, expected] of [
      ['http://localhost:4000', null],
      ['https://in.example.com', 'max-age=31536000; includeSubDomains; preload'],
    ] as const) {
      const other = await startIngress({ ...env, PUBLIC_URL: publicUrl });
      const response = await fetch(`${other.origin}/.well-known/jwks.json`);
      expect(response.headers.get('strict-transport-security')).toBe(expected);
      await other[Symbol.asyncDispose]();
    }
  });
});

describe('caching', () => {
  it.each(['/api/auth/me', '/api/sessions', '/api/users', '/api/tokens', '/api/webhook-logs', '/api/uploads'])(
    'keeps nothing of %s, and can not be asked whether it changed',
    async (path) => {
      const response = await ask(path, { headers: { ...bearer(), 'if-none-match': '*' } });
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('etag')).toBeNull();
    },
  );

  it('keeps no sign-in, whose answer carries tokens', async () => {
    expect((await login()).headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    '/api/auth/me.css',
    '/api/auth/me/x.js',
    '/api/auth/me%2f.css',
    '/api/auth/me;.png',
    '/api/auth/me/..%2fx.css',
  ])('is not fooled into keeping %s', async (path) => {
    const response = await ask(path, { headers: bearer() });
    expect(response.status).toBe(404);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).not.toContain(EMAIL);
  });
});

describe('CORS', () => {
  it.each([
    'null',
    'https://evil.example',
    'https://app.example.com.evil.example',
    'https://evilapp.example.com',
    'https://sub.app.example.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com/',
    'HTTPS://APP.EXAMPLE.COM',
    'https://in.example.com',
  ])('gives %s nothing', async (origin) => {
    for (const init of [
      { headers: { ...bearer(), origin } },
      { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } },
    ]) {
      const response = await ask('/api/auth/me', init);
      const names = [...response.headers.keys()].filter((name) => name.startsWith('access-control-'));
      expect(names).toEqual([]);
      expect(response.headers.get('vary')?.toLowerCase()).toContain('origin');
    }
  });

  it('lets the one application read answers and limits, with its cookies', async () => {
    const response = await ask('/api/auth/me', { headers: { ...bearer(), origin: CLIENT } });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': CLIENT,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': expect.stringContaining('ratelimit'),
      vary: 'origin',
    });
  });

  it('answers its preflight without running anything', async () => {
    const headers = {
      origin: CLIENT,
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'authorization',
    };
    const response = await ask('/api/sessions/01930000-0000-7000-8000-000000000001', { method: 'OPTIONS', headers });
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-methods': expect.stringContaining('DELETE'),
      'access-control-allow-headers': expect.stringContaining('authorization'),
      'access-control-max-age': '7200',
      vary: 'origin, access-control-request-method, access-control-request-headers',
    });
  });

  it.each([
    '/api/openapi.json',
    '/.well-known/jwks.json',
    '/console/',
    '/nothing',
    '/api/uploads/01930000-0000-7000-8000-000000000001',
  ])('varies by origin also where caches may keep an answer, or a route varies by more: %s', async (path) => {
    const response = await ask(path, { headers: { ...bearer(), origin: CLIENT } });
    expect(response.headers.get('access-control-allow-origin')).toBe(CLIENT);
    expect(response.headers.get('vary')?.toLowerCase()).toMatch(/(^|, )origin(,|$)/);
  });
});

describe('methods', () => {
  it.each([
    ['TRACE', '/api/auth/login', 405],
    ['PROPFIND', '/api/auth/me', 405],
    ['PUT', '/api/whatsapp/webhook', 405],
    ['TRACE', '/api/whatsapp/webhook', 405],
    ['TRACE', '/livez', 405],
  ])('%s %s is not served', async (method, path, status) => {
    const answer = await ingress.raw(
      `${method} ${path} HTTP/1.1\r\nhost: x\r\nx-canary: 4711\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\nallow: `, 'i'));
    expect(answer).not.toContain('4711');
  });

  it('CONNECT opens no tunnel', async () => {
    const answer = await ingress.raw(
      'CONNECT /api/auth/login HTTP/1.1\r\nhost: x\r\nx-canary: 4711\r\nconnection: close\r\n\r\n',
    );
    expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
    expect(answer).not.toContain('4711');
  });

  it.each(['x-http-method-override', 'x-http-method', 'x-method-override'])('are not changed by %s', async (name) => {
    expect((await ask('/api/auth/logout-all', { headers: { ...bearer(), [name]: 'POST' } })).status).toBe(405);
    expect((await ask('/api/auth/logout-all?_method=POST', { headers: bearer() })).status).toBe(405);
    expect((await ask('/api/auth/me', { headers: bearer() })).status).toBe(200);
  });
});

describe('requests that two parsers would read in two ways', () => {
  const head = 'POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const smuggled = 'GET /api/auth/me HTTP/1.1\r\nhost: x\r\n\r\n';
  it.each([
    ['a length and chunks', `${head}content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['two lengths', `${head}content-length: 2\r\ncontent-length: 30\r\n\r\n{}${smuggled}`],
    ['a list of lengths', `${head}content-length: 2, 2\r\n\r\n{}${smuggled}`],
    ['a length with a sign', `${head}content-length: +2\r\n\r\n{}${smuggled}`],
    ['a folded header', `${head}x-folded: a\r\n b\r\ncontent-length: 2\r\n\r\n{}`],
    ['a bare line feed', `POST /api/auth/login HTTP/1.1\nhost: x\ncontent-length: 2\n\n{}`],
    ['chunks that are not the last coding', `${head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`],
    ['a coding with a trick', `${head}transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['a space before the colon', `${head}content-length : 2\r\n\r\n{}`],
    ['a NUL in a header', `${head}x-nul: a\0b\r\ncontent-length: 2\r\n\r\n{}`],
    ['no host', 'GET /api/auth/me HTTP/1.1\r\n\r\n'],
  ])('are refused and the connection is closed: %s', async (_, bytes) => {
    const answer = await ingress.raw(bytes, 3_000);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(answer.toLowerCase()).toContain('connection: close');
  });

  it('are refused when their headers are larger than 8 KB', async () => {
    const answer = await ingress.raw(`GET /api/auth/me HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(9_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('the reports of our content security policy', () => {
  const report = (bytes: string, type = 'application/csp-report', address = randomAddress()): Promise<Response> =>
    ask('/api/csp-reports', {
      method: 'POST',
      body: bytes,
      headers: { 'content-type': type, 'x-forwarded-for': address },
    });
  const violation = JSON.stringify({
    'csp-report': { 'effective-directive': 'script-src-elem', 'blocked-uri': 'https://evil.example/a.js' },
  });

  it.each([
    ['a report', violation, 'application/csp-report', 204],
    ['a list of reports', '[]', 'application/reports+json; charset=utf-8', 204],
    ['another type', violation, 'application/json', 415],
    ['no JSON', '{', 'application/csp-report', 400],
    ['another shape', '{}', 'application/csp-report', 422],
    [
      'a large one',
      JSON.stringify({ 'csp-report': { 'script-sample': 'x'.repeat(20_000) } }),
      'application/csp-report',
      413,
    ],
    ['a deep one', `${'['.repeat(8_000)}${']'.repeat(8_000)}`, 'application/reports+json', 422],
  ])('answer %s', async (_, bytes, type, status) => {
    const response = await report(bytes, type);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain('evil');
  });

  it('are limited, and become one event a minute with the count', async () => {
    const address = '198.18.249.9';
    const statuses: Record<number, number> = {};
    for (let time = 0; time < 65; time += 1) {
      const { status } = await report(violation, undefined, address);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    expect(statuses).toEqual({ 204: 60, 429: 5 });
    await ingress[Symbol.asyncDispose]();
    const { rows } = await database.pool.query(
      `select count, severity, details from security_event where type = 'csp.reported' and address_prefix = $1`,
      [`${address}/32`],
    );
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(60);
    expect(rows.length).toBeLessThanOrEqual(2);
    expect(rows[0].details).toMatchObject({ directive: 'script-src-elem', blocked: 'https://evil.example' });
  });
});
