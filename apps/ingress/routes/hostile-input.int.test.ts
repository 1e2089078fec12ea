import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { openClient, PASSWORD, type SendRequest } from '../testing/people.ts';
import { signedIn, useTwoIngresses, type Person } from '../testing/two-ingresses.ts';

const ingresses = useTwoIngresses();
let me: Person;
let send: SendRequest;
beforeAll(async () => {
  me = await signedIn(ingresses, 'admin');
  send = openClient(ingresses.first.origin);
});

const login = (body: unknown, headers: Record<string, string> = {}) => send('/api/auth/login', { body, headers });
const post = (path: string, body: string | Buffer | undefined, headers: Record<string, string> = {}) =>
  fetch(ingresses.first.origin + path, {
    method: 'POST',
    headers: { 'x-forwarded-for': '198.18.0.1', ...headers },
    ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }),
  });
const good = () => ({ email: me.email, password: PASSWORD });
const depth = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('keys that nobody asked for', () => {
  it.each([
    ['role', 'admin'],
    ['isAdmin', true],
    ['userId', '01930000-0000-7000-8000-000000000001'],
    ['sid', 'x'],
    ['deviceTrusted', true],
    ['expiresIn', 9e9],
    ['ip', '127.0.0.1'],
    ['constructor', { prototype: { isAdmin: true } }],
    ['__raw', 'select 1'],
    ['[raw]: 1=1', 1],
    ['$or', [{}]],
    ['data->>secret', 'x'],
  ])('are refused at sign-in: %s', async (key, value) => {
    expect(await login({ ...good(), [key]: value })).toMatchObject({ status: 422, body: { code: 'body-invalid' } });
  });

  it('include __proto__, and leave Object.prototype clean', async () => {
    const text = JSON.stringify(good()).replace('{', '{"__proto__":{"polluted":true},');
    expect(await login(text)).toMatchObject({ status: 422 });
    expect(await send('/api/auth/login?__proto__[polluted]=1', { body: good() })).toMatchObject({ status: 400 });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('values of another type', () => {
  const values = [
    null,
    true,
    1,
    [],
    ['a@example.com'],
    {},
    { $ne: null },
    { $gt: '' },
    { $regex: '.*' },
    { __raw: '1=1', sql: '1=1', params: [] },
    { $fulltext: 'x' },
  ];
  it.each(
    values.flatMap((value) => (['email', 'password', 'deviceId'] as const).map((field) => [field, value] as const)),
  )('for %s are refused before the database: %j', async (field, value) => {
    expect(await login({ ...good(), [field]: value })).toMatchObject({ status: 422, body: { code: 'body-invalid' } });
  });

  it('are named in the answer, and never quoted', async () => {
    const answer = await login({ email: 'no address but a secret', password: 7 });
    expect(answer.body.detail).toMatch(/email: .*password: /);
    expect(answer.text).not.toContain('no address but');
  });
});

describe('bodies that are no object of JSON', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const text = () => JSON.stringify(good());
  it.each<[string, () => string | Buffer | undefined, Record<string, string>, number]>([
    ['nothing', () => undefined, {}, 415],
    ['nothing that claims to be JSON', () => '', JSON_TYPE, 422],
    ['JSON without a type', text, { 'content-type': '' }, 415],
    ['JSON as text/plain', text, { 'content-type': 'text/plain' }, 415],
    ['a form', () => 'email=a&password=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a multipart form', text, { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['UTF-7', text, { 'content-type': 'application/json; charset=utf-7' }, 415],
    ['gzip', () => gzipSync(text()), { ...JSON_TYPE, 'content-encoding': 'gzip' }, 415],
    ['a bomb', () => gzipSync(Buffer.alloc(10_000_000)), { ...JSON_TYPE, 'content-encoding': 'gzip' }, 415],
    ['a list', () => '[]', JSON_TYPE, 422],
    ['a string', () => '"x"', JSON_TYPE, 400],
    ['null', () => 'null', JSON_TYPE, 400],
    ['half an object', () => '{"email":', JSON_TYPE, 400],
    ['two objects', () => '{}{}', JSON_TYPE, 400],
    ['NUL', () => '\0', JSON_TYPE, 400],
    ['5 KB', () => JSON.stringify({ ...good(), deviceId: 'x'.repeat(5_000) }), JSON_TYPE, 413],
    ['200 KB of depth', () => depth(100_000), JSON_TYPE, 413],
    ['4 KB of depth', () => depth(2_000), JSON_TYPE, 422],
  ])('are refused by kind: %s', async (_, body, headers, status) => {
    const answer = await post('/api/auth/login', body(), headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.text()).not.toMatch(/\bat \/|node_modules|stack/);
  });

  it('with a key twice mean the last one, to the one parser there is', async () => {
    const twice = JSON.stringify(good()).replace('{', '{"password":"something else entirely",');
    expect(await login(twice)).toMatchObject({ status: 200 });
  });
});

describe('passwords', () => {
  it.each([
    ['of 129 characters', 'a'.repeat(129), 422],
    ['of 1 MB', 'a'.repeat(1_000_000), 413],
    ['with half a character', 'half a character \ud800 here', 422],
    ['that are empty', '', 422],
    ['of 128 characters, hashed whole', 'a'.repeat(128), 401],
    ['with NUL', 'with \0 inside of it', 401],
    ['of 64 characters of another script', 'ж'.repeat(64), 401],
  ])('%s', async (_, password, status) => {
    expect(await login({ email: 'nobody-at-all@example.com', password })).toMatchObject({ status });
  });
});

describe('addresses', () => {
  it.each([
    ['with CRLF', 'a@example.com\r\nx: y', 422],
    ['of 300 characters', `${'a'.repeat(300)}@example.com`, 422],
    ['quoted', '"a b"@example.com', 422],
    ['with NUL', 'a\0@example.com', 422],
    ['in full width', 'ａ@example.com', 422],
  ])('%s', async (_, email, status) => {
    expect(await login({ email, password: PASSWORD })).toMatchObject({ status });
  });

  it('are counted under one key in each of their forms', async () => {
    const forms = ['Smuggle@Example.com', ' smuggle@example.com', 'SMUGGLE@EXAMPLE.COM ', 'smuggle@EXAMPLE.com'];
    const statuses = [];
    for (const email of [...forms, ...forms]) statuses.push((await login({ email, password: PASSWORD })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const { rows } = await ingresses.database.pool.query('select key from limiter_counter');
    for (const { key } of rows) expect(key).toMatch(/^sign-in:[\w-]{43}$/);
  });
});

describe('what a client calls itself', () => {
  it('is cut, made harmless, and returned as data', async () => {
    const userAgent = `<script>alert(1)</script>${'x'.repeat(4_000)}`;
    const answer = await login(good(), { 'user-agent': userAgent });
    const listed = await send('/api/sessions', { token: answer.body.accessToken });
    const [latest] = listed.body.items;
    expect(latest.device).toHaveLength(512);
    expect(latest.device).toMatch(/^<script>/);
    expect(listed.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(listed.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('can not write lines of its own into the log', async () => {
    await login({ ...good(), nothing: 1 }, { 'x-request-id': 'x", "level": 60, "forged' });
    await login(good(), { 'user-agent': 'forged-agent"}' });
    for (const line of ingresses.first
      .logged()
      .split('\n')
      .filter((text) => text !== '')) {
      expect(JSON.parse(line)).not.toHaveProperty('forged');
    }
  });
});

describe('paths and methods', () => {
  it.each([
    ['/API/Auth/LOGIN', 404],
    ['/api/auth/login/', 404],
    ['//api/auth/login', 404],
    ['/api/auth/login;x=1', 404],
    ['/api/auth/log%69n', 404],
    ['/api/auth/./login?x=%2e', 400],
  ])('%s is no way round', async (path, status) => {
    const answer = await send(path, { body: { email: 'path-tricks@example.com', password: PASSWORD } });
    expect(answer.status).toBe(status);
  });

  it.each([
    ['GET', '/api/auth/login', 'POST'],
    ['PUT', '/api/auth/refresh', 'POST'],
    ['GET', '/api/auth/logout', 'POST'],
    ['POST', '/api/sessions', 'GET, HEAD'],
    ['GET', '/api/sessions/terminate-others', 'POST'],
    ['OPTIONS', '/api/users', 'GET, HEAD, POST'],
    ['PUT', '/api/users/01930000-0000-7000-8000-000000000001', 'PATCH'],
    ['POST', '/.well-known/jwks.json', 'GET, HEAD'],
  ])('%s %s is 405 with what there is', async (method, path, allow) => {
    const answer = await send(path, { method, headers: { 'x-http-method-override': 'POST' } });
    expect(answer).toMatchObject({ status: 405, body: { code: 'method-unsupported' } });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it('a slow body is given up after five seconds', async () => {
    const startedMs = performance.now();
    const answer = await ingresses.first.raw(
      'POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"email"',
      7_000,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - startedMs).toBeLessThan(6_500);
  }, 10_000);
});
