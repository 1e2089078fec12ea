import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { effort } from '#testing/effort.ts';
import { startProcess } from '#testing/process.ts';
import { hasRedis, startRedis } from '#testing/redis.ts';
import { testSecrets } from '#testing/secrets.ts';
import { makeUser, openClient, PASSWORD, randomAddress, type Answer, type SendRequest } from './testing/people.ts';
import { startIngress, type StartedIngress } from './testing/start-ingress.ts';

const SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
const VERIFY_TOKEN = 'vt-29384756-canary';
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';
const FEW = 5;

let database: TestDatabase;
/** With the usual limits, behind a trusted proxy. */
let usual: StartedIngress;
/** With few points, and nobody trusted in front of it. */
let meagre: StartedIngress;
beforeAll(async () => {
  database = await openTestDatabase();
  const env = {
    DATABASE_URL: database.url,
    WHATSAPP_APP_SECRET: SECRET,
    WHATSAPP_VERIFY_TOKEN: VERIFY_TOKEN,
    WEBHOOK_SOURCES: 'shop:woocommerce',
    WEBHOOK_SECRET_SHOP: 'c8a7b6d5e4f30211203f4e5d6c7b8a90',
  };
  [usual, meagre] = await Promise.all([
    startIngress({ ...env, TRUST_PROXY: '127.0.0.1/32' }),
    startIngress({ ...env, LIMITS_PER_MINUTE: `anonymous:${FEW},user:20,source:3` }),
  ]);
});
afterAll(async () => {
  await usual[Symbol.asyncDispose]();
  await meagre[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let n = 0;
let send: SendRequest;
let email = '';
beforeEach(async () => {
  n += 1;
  email = `limits-${n}@example.com`;
  send = openClient(usual.origin);
  await makeUser(database.pool, { email, role: 'admin' });
});

const login = (by: SendRequest, password = PASSWORD, to = email): Promise<Answer> =>
  by('/api/auth/login', { body: { email: to, password } });
const JWKS = '/.well-known/jwks.json';
const WRONG = 'wrong, wrong, wrong';
const ID = '01930000-0000-7000-8000-000000000001';

describe('every route', () => {
  /** Path, method, policy, and the least that makes it answer. */
  const rows: [path: string, method: string, policy: string, given?: { body?: unknown; anonymous?: boolean }][] = [
    [JWKS, 'GET', 'anonymous', { anonymous: true }],
    ['/api/csp-reports', 'POST', 'csp-reports', { anonymous: true }],
    ['/api/auth/login', 'POST', 'password', { anonymous: true, body: {} }],
    ['/api/auth/reset', 'POST', 'password', { anonymous: true, body: {} }],
    ['/api/auth/csrf', 'GET', 'anonymous', { anonymous: true }],
    ['/api/auth/logout', 'POST', 'anonymous', { anonymous: true, body: {} }],
    ['/api/auth/me', 'GET', 'admin'],
    ['/api/auth/password', 'POST', 'admin', { body: {} }],
    ['/api/auth/step-up', 'POST', 'admin', { body: {} }],
    ['/api/sessions', 'GET', 'admin'],
    ['/api/sessions/terminate-others', 'POST', 'admin'],
    ['/api/sessions/:id', 'DELETE', 'admin'],
    ['/api/users', 'GET', 'admin'],
    ['/api/users', 'POST', 'admin', { body: {} }],
    ['/api/users/:id', 'PATCH', 'admin', { body: {} }],
    ['/api/users/:id/sessions', 'GET', 'admin'],
    ['/api/users/:id/sessions', 'DELETE', 'admin'],
    ['/api/tokens', 'GET', 'admin'],
    ['/api/tokens', 'POST', 'admin', { body: {} }],
    ['/api/tokens/:id', 'DELETE', 'admin'],
    ['/api/webhook-logs', 'GET', 'admin'],
    ['/api/webhook-logs/:id', 'GET', 'admin'],
    ['/api/webhook-logs/:id/events', 'GET', 'admin'],
    ['/api/webhook-logs/replay', 'POST', 'admin', { body: {} }],
    ['/api/webhook-logs/:id/replay', 'POST', 'admin'],
    ['/api/webhook-events', 'GET', 'admin'],
    ['/api/webhook-events/:id/replay', 'POST', 'admin'],
    ['/console/', 'GET', 'pages', { anonymous: true }],
    ['/nothing', 'GET', 'pages', { anonymous: true }],
    ['/api/openapi.json', 'GET', 'anonymous', { anonymous: true }],
    ['/api/security-events', 'GET', 'admin'],
    ['/api/security-events/summary', 'GET', 'admin'],
    ['/api/security-events/chain', 'GET', 'admin'],
    ['/api/overview', 'GET', 'admin'],
    ['/api/attachments/:ticketId', 'POST', 'admin'],
    ['/api/attachments/:ticketId', 'GET', 'admin'],
    ['/api/uploads', 'GET', 'admin'],
    ['/api/uploads/:id', 'GET', 'admin'],
    ['/api/uploads/:id', 'DELETE', 'admin'],
    ['/api/uploads/:id/content', 'GET', 'admin'],
    ['/api/auth/logout-all', 'POST', 'admin'],
  ];

  it.each(rows)('%s %s is charged to %s', async (path, method, policy, given) => {
    const { body, anonymous = false } = given ?? {};
    const token = anonymous ? undefined : (await login(send)).body.accessToken;
    const answer = await send(path.replace(/:\w+/, ID), { method, token, ...(body === undefined ? {} : { body }) });
    expect(answer.status).not.toBe(401);
    expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"${policy}";r=\\d+;t=\\d+`));
    expect(answer.headers.get('ratelimit-policy')).toMatch(new RegExp(`^"${policy}";q=\\d+;w=60`));
  });

  it('of the sources is in this table', () => {
    const directory = join(import.meta.dirname, 'routes');
    const sources = readdirSync(directory).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
    const paths = sources.flatMap((name) =>
      [...readFileSync(join(directory, name), 'utf8').matchAll(/'((?:\/api\/|\/\.well-known\/)[^']*[^'/])'/g)].map(
        ([, path]) => path,
      ),
    );
    expect(paths.length).toBeGreaterThan(20);
    const charged = new Set<string | undefined>([...rows.map(([path]) => path), '/api/auth/refresh']);
    for (const path of paths) expect(charged).toContain(path);
  });

  it('of a session that refreshes is charged to the session', async () => {
    const { refreshToken } = (await login(send)).body;
    const answer = await send('/api/auth/refresh', { body: { refreshToken } });
    expect(answer.headers.get('ratelimit')).toMatch(/^"refresh";r=999;t=60$/);
  });
});

describe('who has used up a quota', () => {
  const ask = (path = JWKS, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(meagre.origin + path, { headers });

  async function exhaust(): Promise<void> {
    for (let time = 0; time < FEW; time += 1) await (await ask()).arrayBuffer();
  }

  it('is told which, for how long, and nothing about the limiter', async () => {
    await exhaust();
    const answer = await ask();
    expect(answer.status).toBe(429);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const retryAfter = answer.headers.get('retry-after');
    expect(retryAfter).toMatch(/^\d+$/);
    expect(answer.headers.get('ratelimit')).toBe(`"anonymous";r=0;t=${retryAfter}`);
    expect(answer.headers.get('ratelimit-policy')).toMatch(/^"anonymous";q=\d;w=60$/);
    expect(await answer.json()).toEqual({
      type: QUOTA_EXCEEDED,
      title: 'Too many requests',
      status: 429,
      code: 'limit-exceeded',
      requestId: expect.any(String),
      'violated-policies': ['anonymous'],
    });
  });

  it.each([
    '/.WELL-KNOWN/JWKS.JSON',
    '/.well-known/jwks.json/',
    '//.well-known/jwks.json',
    '/.well-known/./jwks.json',
    '/.well-known//jwks.json',
    '/.well-known/%2e/jwks.json',
    '/.well-known/%6awks.json',
    '/.well-known/jwks.json;a=b',
    '/.well-known/jwks.json?x=1',
    '/.well-known/jwks.json%00',
    '/.well-known%2fjwks.json',
    '/x/../.well-known/jwks.json',
  ])('gets no further by %s', async (path) => {
    await exhaust();
    // As it is: fetch would resolve dots.
    const answer = await meagre.raw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (404|429|400) /);
    expect(answer).not.toContain('"keys"');
  });

  it.each([
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-forwarded-for': Array.from({ length: 50 }, (_, hop) => `203.0.113.${hop}`).join(', ') },
    { 'x-forwarded-for': '2001:db8::7' },
    { 'x-forwarded-for': '203.0.113.7:4711' },
    { 'x-forwarded-for': 'unknown' },
    { forwarded: 'for=203.0.113.7;proto=https' },
    { 'x-real-ip': '203.0.113.7' },
    { 'true-client-ip': '203.0.113.7' },
    { 'cf-connecting-ip': '203.0.113.7' },
    { 'x-client-ip': '203.0.113.7', 'x-originating-ip': '203.0.113.7', via: '1.1 proxy' },
  ] as Record<string, string>[])('gets no further with %j', async (headers) => {
    await exhaust();
    expect((await ask(JWKS, headers)).status).toBe(429);
  });

  it('is warned of once when a peer that nobody trusts forwards addresses', () => {
    const warnings = meagre
      .logged()
      .split('\n')
      .filter((line) => line.includes('TRUST_PROXY'));
    expect(warnings).toHaveLength(1);
  });

  it('as a signed-in user is limited by user, not by address, and pays more for writing', async () => {
    const first = openClient(meagre.origin);
    await makeUser(database.pool, { email: `small-${n}@example.com` });
    const { accessToken: token } = (await login(first, PASSWORD, `small-${n}@example.com`)).body;
    const wrote = await first('/api/sessions/terminate-others', { method: 'POST', token });
    expect(wrote.headers.get('ratelimit')).toMatch(/^"user";r=15;/);
    const reads = [];
    for (let time = 0; time < 16; time += 1)
      reads.push((await openClient(meagre.origin)('/api/auth/me', { token })).status);
    expect(reads).toEqual([...Array.from({ length: 15 }, () => 200), 429]);
  });
});

it('leaves one event of each network and minute, with the count', async () => {
  const ingress = await startIngress({
    DATABASE_URL: database.url,
    LIMITS_PER_MINUTE: 'anonymous:1',
    TRUST_PROXY: '127.0.0.1/32',
  });
  const address = '198.18.248.7';
  for (let time = 0; time < 8; time += 1) {
    await (await fetch(ingress.origin + JWKS, { headers: { 'x-forwarded-for': address } })).arrayBuffer();
  }
  await ingress[Symbol.asyncDispose]();
  const { rows } = await database.pool.query(
    `select sum(count)::int as count, count(*)::int as rows from security_event
     where type = 'limit.hit' and details->>'policy' = 'anonymous' and address_prefix = $1`,
    [`${address}/32`],
  );
  expect(rows[0].count).toBe(7);
  expect(rows[0].rows).toBeLessThanOrEqual(2);
});

describe('an address', () => {
  const from = (address: string): Promise<Response> =>
    fetch(usual.origin + JWKS, { headers: { 'x-forwarded-for': address } });
  const remaining = async (address: string): Promise<number> =>
    Number(/r=(\d+)/.exec((await from(address)).headers.get('ratelimit') ?? '')?.[1]);

  it.each([
    ['inside of a /64', '2001:db8:aa:1200::1', '2001:db8:aa:1200:ffff:1:2:3'],
    ['inside of a /56', '2001:db8:ab:1200::1', '2001:db8:ab:12ff::1'],
    ['mapped into IPv6', '198.18.250.1', '::ffff:198.18.250.1'],
    ['mapped, in hexadecimal', '198.18.250.2', '::ffff:c612:fa02'],
  ])('%s is one', async (_, one, other) => {
    const before = await remaining(one);
    expect(await remaining(other)).toBe(before - 1);
  });

  it('of another /56 is another', async () => {
    await remaining('2001:db8:ac:1200::1');
    expect(await remaining('2001:db8:ac:1300::1')).toBeGreaterThanOrEqual(299);
  });
});

describe('a network that sends rubbish', () => {
  it('is looked at no more after 600 refusals in a minute, and others are', async () => {
    const rubbish = openClient(usual.origin);
    const statuses: Record<number, number> = {};
    for (let round = 0; round < 31; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => rubbish(`/nothing/${index}`)));
      for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    }
    expect(statuses).toEqual({ 404: 600, 429: 20 });
    const answer = await rubbish(JWKS);
    expect(answer).toMatchObject({ status: 429, body: { type: QUOTA_EXCEEDED, 'violated-policies': ['refusals'] } });
    expect(await send(JWKS)).toMatchObject({ status: 200 });
  });

  const requests = effort(5_000, 50_000);
  it(`costs no rows by the thousands: ${requests}`, { timeout: 60_000 + requests * 10 }, async () => {
    const ingress = await startProcess('apps/ingress/main.ts', {
      env: { ...testSecrets, DATABASE_URL: database.url, TRUST_PROXY: '127.0.0.1/32', PORT: '0' },
    });
    onTestFinished(() => ingress[Symbol.asyncDispose]());
    const kinds = [
      { path: '/api/auth/login', body: '{' },
      { path: '/api/auth/refresh', body: '{"refreshToken":"x"}' },
      { path: '/api/auth/login', body: '{"email":{"$ne":null},"password":[]}' },
      { path: '/nothing', body: '{}' },
    ];
    const flood = async (count: number): Promise<void> => {
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < count) {
          const index = next++;
          const { path, body } = kinds[index % kinds.length] as (typeof kinds)[number];
          // Networks without number.
          const address = `2001:db8:${(index & 0xffff).toString(16)}:${((index >> 8) & 0xff00).toString(16)}::1`;
          const { status } = await openClient(ingress.origin, address)(path, { body });
          expect([400, 401, 404, 422]).toContain(status);
        }
      };
      await Promise.all(Array.from({ length: 16 }, lane));
    };
    const countRows = async (): Promise<number> => {
      const { rows } = await database.pool.query<{ rows: number }>(
        'select (select count(*) from security_event) + (select count(*) from limiter_counter) as rows',
      );
      return rows[0]?.rows ?? 0;
    };
    await flood(1_000);
    const rows = await countRows();
    await flood(requests);
    expect((await countRows()) - rows).toBeLessThan(100);
  });
});

describe('wrong passwords', () => {
  it('make a network wait, at once and for longer each time, but no own device, and nobody who is signed in', async () => {
    const office = openClient(usual.origin);
    const owner = `owner-${n}@example.com`;
    await makeUser(database.pool, { email: owner });
    const page = { origin: 'http://localhost:4000', 'sec-fetch-site': 'same-origin' };
    const signIn = (cookie = ''): Promise<Answer> =>
      office('/api/auth/login?mode=cookie', {
        body: { email: owner, password: PASSWORD },
        headers: { ...page, cookie },
      });
    const device = /__Host-device=[^;]+/.exec((await signIn()).headers.get('set-cookie') ?? '')?.[0];
    for (let index = 0; index < 21; index += 1) {
      const to = `victim-${n}-${Math.floor(index / 5)}@example.com`;
      expect(await login(office, WRONG, to)).toMatchObject({ status: 401 });
    }
    await sleep(50);
    const startedMs = performance.now();
    const refused = await login(office);
    expect(refused).toMatchObject({ status: 429, body: { 'violated-policies': ['password-delay'] } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(performance.now() - startedMs).toBeLessThan(500);
    const signedIn = await signIn(device);
    expect(signedIn).toMatchObject({ status: 200 });
    const proof = { token: signedIn.body.accessToken, body: { password: PASSWORD } };
    expect(await office('/api/auth/step-up', proof)).toMatchObject({ status: 204 });
    await sleep(1_050);
    expect(await login(office, WRONG, `victim-${n}-9@example.com`)).toMatchObject({ status: 401 });
    await sleep(50);
    expect((await login(office)).headers.get('retry-after')).toBe('2');
  });

  it('of strangers lock an account for all but the devices that it knows', async () => {
    const page = { origin: 'http://localhost:4000', 'sec-fetch-site': 'same-origin' };
    const byPage = (cookie = '', password = PASSWORD): Promise<Answer> =>
      send('/api/auth/login?mode=cookie', { body: { email, password }, headers: { ...page, cookie } });
    const device = /__Host-device=[^;]+/.exec((await byPage()).headers.get('set-cookie') ?? '')?.[0];
    const strangers = await Promise.all(
      Array.from({ length: 100 }, () => login(openClient(usual.origin, randomAddress()), WRONG)),
    );
    expect(strangers.filter(({ status }) => status === 401)).toHaveLength(5);
    const locked = await login(openClient(usual.origin));
    expect(locked).toMatchObject({ status: 429, body: { type: QUOTA_EXCEEDED, 'violated-policies': ['sign-in'] } });
    expect(locked.headers.get('ratelimit')).toMatch(/^"sign-in";r=0;t=\d+$/);
    expect(await byPage()).toMatchObject({ status: 429 });
    expect(await byPage('__Host-device=v1.AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA')).toMatchObject({
      status: 429,
    });
    expect(await byPage(device)).toMatchObject({ status: 200 });
    for (let time = 0; time < 5; time += 1) expect(await byPage(device, WRONG)).toMatchObject({ status: 401 });
    expect(await byPage(device)).toMatchObject({ status: 429, body: { 'violated-policies': ['sign-in-device'] } });
  });

  it('of many accounts from one network are noticed, and stopped after twenty', async () => {
    const spray = openClient(usual.origin);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => login(spray, WRONG, `sprayed-${n}-${index}@example.com`)),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(20);
    expect(answers.find(({ status }) => status === 429)?.body).toMatchObject({
      'violated-policies': ['sign-in-accounts'],
    });
  });
});

describe('a session', () => {
  it('may refresh a thousand times a minute', { timeout: 120_000 }, async () => {
    const { refreshToken } = (await login(send)).body;
    const statuses: Record<number, number> = {};
    for (let round = 0; round < 21; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => send('/api/auth/refresh', { body: { refreshToken } })),
      );
      for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    }
    expect(statuses[429]).toBe(50);
    expect(statuses[200]).toBeGreaterThan(20);
    const other = await login(openClient(usual.origin));
    expect(await send('/api/auth/refresh', { body: { refreshToken: other.body.refreshToken } })).toMatchObject({
      status: 200,
    });
  });
});

describe('the webhook door', () => {
  const sign = (body: string): string => `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`;
  const deliver = (origin: string, address: string): Promise<Response> => {
    const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [], salt: Math.random() });
    return fetch(`${origin}/api/whatsapp/webhook`, {
      method: 'POST',
      body,
      headers: { 'x-hub-signature-256': sign(body), 'x-forwarded-for': address },
    });
  };

  it.each([
    [
      'a ping of WooCommerce',
      (address: string) =>
        fetch(`${usual.origin}/api/webhooks/shop`, {
          method: 'POST',
          body: 'webhook_id=7',
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': address },
        }),
    ],
    [
      'a challenge of Meta',
      (address: string) =>
        fetch(
          `${usual.origin}/api/whatsapp/webhook?hub.mode=subscribe&hub.challenge=123&hub.verify_token=${VERIFY_TOKEN}`,
          { headers: { 'x-forwarded-for': address } },
        ),
    ],
  ])('answers %s sixty times a minute and address, and signed webhooks as ever', async (_, ask) => {
    const address = randomAddress();
    const statuses = [];
    for (let time = 0; time < 62; time += 1) statuses.push((await ask(address)).status);
    expect(new Set(statuses.slice(0, 60))).toEqual(new Set([200]));
    expect(statuses.slice(60)).toEqual([429, 429]);
    expect((await ask(randomAddress())).status).toBe(200);
    expect((await deliver(usual.origin, address)).status).toBe(200);
  });

  it('gives signed webhooks no quota, unless their source has one', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => deliver(usual.origin, '198.18.251.1')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const limited = [];
    for (let time = 0; time < 4; time += 1) limited.push(await deliver(meagre.origin, ''));
    expect(limited.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(limited[3]?.headers.get('ratelimit')).toMatch(/^"source";r=0;t=\d+$/);
    expect(await limited[3]?.json()).toMatchObject({ type: QUOTA_EXCEEDED, 'violated-policies': ['source'] });
  });

  it.each([
    ['GET', '/api/wooalerts-webhook', undefined, {}, 405],
    ['POST', '/api/whatsapp/webhook', 'x', { 'content-encoding': 'gzip' }, 415],
    ['POST', '/api/whatsapp/webhook', '', {}, 400],
  ])('counts %s %s as a refusal, whatever is wrong with it', async (method, path, body, headers, status) => {
    const address = randomAddress();
    const ask = (): Promise<Response> =>
      fetch(usual.origin + path, {
        method,
        headers: { ...headers, 'x-forwarded-for': address } as Record<string, string>,
        ...(body === undefined ? {} : { body }),
      });
    const statuses: Record<number, number> = {};
    for (let round = 0; round < 31; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, ask));
      for (const answer of answers) {
        await answer.arrayBuffer();
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      }
    }
    expect(statuses[429]).toBeGreaterThanOrEqual(1);
    expect(statuses[status]).toBeGreaterThanOrEqual(600);
    expect((await deliver(usual.origin, address)).status).toBe(429);
  });
});

describe.skipIf(!hasRedis())('limits whose Redis is lost', () => {
  it.each(['SIGSTOP', 'SIGKILL'] as const)('by %s go on at once, by this process alone, and say so', async (signal) => {
    const redis = await startRedis();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const ingress = await startIngress({
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      TRUST_PROXY: '127.0.0.1/32',
      LIMITS_PER_MINUTE: 'anonymous:20',
    });
    onTestFinished(() => ingress[Symbol.asyncDispose]());
    const client = openClient(ingress.origin);
    expect((await client(JWKS)).headers.get('ratelimit')).toMatch(/;r=19;/);
    redis.signal(signal);
    if (signal === 'SIGKILL') await redis.ended();
    const startedMs = performance.now();
    const statuses = [];
    for (let time = 0; time < 25; time += 1) statuses.push((await client(JWKS)).status);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(20);
    expect(statuses.at(-1)).toBe(429);
    const signedIn = await login(client);
    expect(signedIn).toMatchObject({ status: 200 });
    // Redis has no part in what has ended.
    const { accessToken: token, refreshToken } = signedIn.body;
    expect(await client('/api/auth/logout', { method: 'POST', token })).toMatchObject({ status: 204 });
    expect(await client('/api/auth/me', { token })).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
    expect(await client('/api/auth/refresh', { body: { refreshToken } })).toMatchObject({
      status: 401,
      body: { code: 'session-ended' },
    });
    const metrics = await (await fetch(`${ingress.origin}/metrics`)).text();
    expect(metrics).toContain('portcullis_limit_redis_away 1');
    expect(metrics).toMatch(/portcullis_limit_redis_losses_total [1-9]/);
    expect(metrics).toMatch(
      /portcullis_limit_decisions_total\{policy="anonymous",outcome="exceeded",store="local"\} \d/,
    );
  });

  it('forget no account, because those are counted in PostgreSQL', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, TRUST_PROXY: '127.0.0.1/32' };
    const ingress = await startIngress(env);
    onTestFinished(() => ingress[Symbol.asyncDispose]());
    const attack = (): Promise<Answer> => login(openClient(ingress.origin, randomAddress()), WRONG);
    for (let time = 0; time < 3; time += 1) expect(await attack()).toMatchObject({ status: 401 });
    redis.signal('SIGKILL');
    await redis.ended();
    const during = [await attack(), await attack(), await attack()];
    expect(during.map(({ status }) => status)).toEqual([401, 401, 429]);
    await redis.restart();
    await sleep(500);
    expect(await login(openClient(ingress.origin))).toMatchObject({ status: 429 });
  });
});
