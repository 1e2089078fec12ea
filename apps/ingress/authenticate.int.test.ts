import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { openKeyring } from '#access/keyring.ts';
import { resealSigningKeys } from '#access/reseal-signing-keys.ts';
import { retireSigningKeys, rotateSigningKey } from '#access/rotate-signing-key.ts';
import { record } from '#audit/record.ts';
import { openProxy } from '#testing/proxy.ts';
import { testSecrets } from '#testing/secrets.ts';
import { newId } from '#runtime/id.ts';
import { openClient, PASSWORD } from './testing/people.ts';
import { startIngress } from './testing/start-ingress.ts';
import { signedIn, signInAgain, useTwoIngresses, type Person } from './testing/two-ingresses.ts';

const ingresses = useTwoIngresses();
let me: Person;
beforeAll(async () => {
  me = await signedIn(ingresses);
});

const SECRET_OF_TESTS: [string] = [testSecrets.SESSION_SECRET];
const context = () => ({ pool: ingresses.database.pool, record, keys: openKeyring(SECRET_OF_TESTS) });
const statusOf = async (token: string, origin = ingresses.first.origin): Promise<number> =>
  (await openClient(origin)('/api/auth/me', { token })).status;
const kidOf = (token: string): string => JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString()).kid;
const publishedKids = async (origin = ingresses.first.origin): Promise<string[]> => {
  const { body } = await openClient(origin)('/.well-known/jwks.json');
  return body.keys.map(({ kid }: { kid: string }) => kid);
};

/** Sends header lines as they are and answers with the status line, the headers and the body. */
async function raw(headers: readonly string[], path = '/api/auth/me') {
  const lines = [`GET ${path} HTTP/1.1`, 'host: x', 'connection: close', 'x-request-id: one-id-for-all', ...headers];
  const answer = await ingresses.first.raw(`${lines.join('\r\n')}\r\n\r\n`);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), challenge: /^www-authenticate: (.*)$/im.exec(head)?.[1], body };
}

describe('the authorization of a request', () => {
  it.each<[string, (token: string) => string[], number, string | undefined]>([
    ['none', () => [], 401, 'Bearer realm="portcullis"'],
    ['one bearer token', (token) => [`authorization: Bearer ${token}`], 200, undefined],
    ['the scheme in lower case', (token) => [`authorization: bearer ${token}`], 200, undefined],
    ['two spaces', (token) => [`authorization: Bearer  ${token}`], 200, undefined],
    ['another scheme', () => ['authorization: Basic YTpi'], 401, 'Bearer realm="portcullis"'],
    ['no token', () => ['authorization: Bearer '], 401, 'Bearer realm="portcullis"'],
    [
      'two headers',
      (token) => [`authorization: Bearer ${token}`, `authorization: Bearer ${token}`],
      400,
      'Bearer error="invalid_request"',
    ],
    [
      'two headers, the second of which is bad',
      (token) => [`authorization: Bearer ${token}`, 'authorization: Basic x'],
      400,
      'Bearer error="invalid_request"',
    ],
    ['two tokens in one', (token) => [`authorization: Bearer ${token} ${token}`], 401, 'Bearer error="invalid_token"'],
    ['a comma', (token) => [`authorization: Bearer ${token},x`], 401, 'Bearer error="invalid_token"'],
    ['quotes', (token) => [`authorization: Bearer "${token}"`], 401, 'Bearer error="invalid_token"'],
    ['a refresh token', () => [`authorization: Bearer ${me.refreshToken}`], 401, 'Bearer error="invalid_token"'],
    ['a token of 100 KB', () => [`authorization: Bearer ${'a'.repeat(100_000)}`], 431, undefined],
  ])('%s', async (_, headers, status, challenge) => {
    expect(await raw(headers(me.accessToken))).toMatchObject({ status, challenge });
  });

  it('in the query or in a cookie is none', async () => {
    expect(await raw([], `/api/auth/me?access_token=${me.accessToken}`)).toMatchObject({ status: 401 });
    expect(await raw([`cookie: authorization=${me.accessToken}`])).toMatchObject({
      status: 401,
      challenge: 'Bearer realm="portcullis"',
    });
  });

  it('is refused with the same bytes for every fault of a token', async () => {
    const [header = '', payload = '', signature = ''] = me.accessToken.split('.');
    const none = Buffer.from('{"alg":"none","typ":"at+jwt","kid":"x"}').toString('base64url');
    const faults = [
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${header}.${payload}.${randomBytes(64).toString('base64url')}`,
      `${header}.${Buffer.from('{"sub":"admin"}').toString('base64url')}.${signature}`,
      `${me.accessToken}=`,
      'x',
      'a.b.c',
      'a.b.c.d.e',
    ];
    const answers = await Promise.all(faults.map((token) => raw([`authorization: Bearer ${token}`])));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 401, challenge: 'Bearer error="invalid_token"' });
    expect(JSON.parse(answers[0]!.body)).toMatchObject({ code: 'token-invalid' });
  });
});

describe('an ended session', () => {
  const waitForRefusal = async (): Promise<number> => {
    const person = await signInAgain({ ...me, send: openClient(ingresses.first.origin) });
    expect(await statusOf(person.accessToken, ingresses.second.origin)).toBe(200);
    await person.send('/api/auth/logout', { method: 'POST', token: person.accessToken });
    const endedMs = performance.now();
    while ((await statusOf(person.accessToken, ingresses.second.origin)) !== 401) await sleep(5);
    return performance.now() - endedMs;
  };

  it('is refused by a second process at once, because the database tells it', async () => {
    const waits = [];
    for (let time = 0; time < 5; time += 1) waits.push(await waitForRefusal());
    waits.sort((one, other) => one - other);
    expect(waits[2]).toBeLessThan(200);
  });

  it('is refused by a second process within a second when no message arrives at all', async () => {
    await ingresses.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'portcullis-listen-session_ended' and datname = current_database()`,
    );
    expect(await waitForRefusal()).toBeLessThan(1_000);
  });

  it('is not accepted when the database is away, but answered 503 with Retry-After', async () => {
    const proxy = await openProxy(ingresses.database.url);
    const alone = await startIngress({
      DATABASE_URL: proxy.through(ingresses.database.url),
      TRUST_PROXY: '127.0.0.1/32',
    });
    const send = openClient(alone.origin);
    const person = await signInAgain({ ...me, send });
    expect(await send('/api/auth/me', { token: person.accessToken })).toMatchObject({ status: 200 });
    await proxy.refuse();
    await sleep(800);
    const answers = await Promise.all([
      send('/api/auth/me', { token: person.accessToken }),
      send('/api/auth/logout', { method: 'POST', token: person.accessToken }),
      send('/api/auth/refresh', { body: { refreshToken: person.refreshToken } }),
      send('/api/auth/login', { body: { email: me.email, password: PASSWORD } }),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'database-unavailable' } });
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    await proxy.accept();
    await expect
      .poll(async () => (await send('/api/auth/refresh', { body: { refreshToken: person.refreshToken } })).status, {
        timeout: 10_000,
      })
      .toBe(200);
    await alone[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });
});

describe('the keys', () => {
  it('are published with a short life in caches, and an ETag', async () => {
    const send = openClient(ingresses.first.origin);
    const answer = await send('/.well-known/jwks.json');
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    expect(answer.body.keys).toContainEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      x: expect.stringMatching(/^[\w-]{43}$/),
      kid: kidOf(me.accessToken),
      alg: 'EdDSA',
      use: 'sig',
    });
    expect(answer.text).not.toContain('"d"');
    const etag = answer.headers.get('etag') ?? '';
    expect(await send('/.well-known/jwks.json', { headers: { 'if-none-match': etag } })).toMatchObject({ status: 304 });
  });

  it('lie in the database under SESSION_SECRET, never in the clear', async () => {
    const { rows } = await ingresses.database.pool.query('select sealed_private_key from signing_key');
    for (const { sealed_private_key: sealed } of rows) expect(sealed.toString('latin1')).not.toContain('"kty"');
  });

  it('are rotated with an overlap: the next is published before it signs, the last verifies after', async () => {
    const before = kidOf(me.accessToken);
    await rotateSigningKey(context());
    await expect.poll(() => publishedKids(), { timeout: 2_000 }).toHaveLength(2);
    const next = (await publishedKids()).find((kid) => kid !== before);
    expect(kidOf((await signInAgain(me)).accessToken)).toBe(before);
    await ingresses.database.pool.query('update signing_key set signs_from = now() where id = $1', [next]);
    await sleep(800);
    const fresh = await signInAgain(me);
    expect(kidOf(fresh.accessToken)).toBe(next);
    for (const { origin } of [ingresses.first, ingresses.second]) {
      expect([await statusOf(me.accessToken, origin), await statusOf(fresh.accessToken, origin)]).toEqual([200, 200]);
    }
    await ingresses.database.pool.query('update signing_key set verifies_until = now() where id = $1', [before]);
    await sleep(800);
    expect([await statusOf(me.accessToken), await statusOf(fresh.accessToken)]).toEqual([401, 200]);
    expect(await publishedKids()).toEqual([next]);
  });

  it('are all retired at once in an emergency; sessions live on, and every process knows the new key', async () => {
    const person = await signInAgain(me);
    await statusOf(person.accessToken, ingresses.second.origin);
    const retired = await retireSigningKeys(context());
    expect(retired).toContain(kidOf(person.accessToken));
    await sleep(800);
    for (const { origin } of [ingresses.first, ingresses.second]) {
      expect(await statusOf(person.accessToken, origin)).toBe(401);
    }
    const refreshed = await person.send('/api/auth/refresh', { body: { refreshToken: person.refreshToken } });
    expect(refreshed.status).toBe(200);
    expect(retired).not.toContain(kidOf(refreshed.body.accessToken));
    expect(await statusOf(refreshed.body.accessToken, ingresses.second.origin)).toBe(200);
  });

  it('that nobody knows cause no storm of reads', async () => {
    const reads = async (): Promise<number> => {
      const { rows } = await ingresses.database.pool.query(
        `select coalesce(sum(idx_scan + seq_scan), 0)::int as scans from pg_stat_all_tables where relname = 'signing_key'`,
      );
      return rows[0].scans;
    };
    const before = await reads();
    const startedMs = performance.now();
    const forged = Array.from({ length: 300 }, () => {
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: randomBytes(12).toString('base64url') };
      return me.accessToken.replace(/^[^.]+/, Buffer.from(JSON.stringify(header)).toString('base64url'));
    });
    const statuses = await Promise.all(forged.map((token) => statusOf(token)));
    expect(new Set(statuses)).toEqual(new Set([401]));
    const seconds = (performance.now() - startedMs) / 1_000;
    await sleep(1_100);
    expect((await reads()) - before).toBeLessThan(10 + 8 * (seconds + 1));
  });

  it('are sealed anew after a change of SESSION_SECRET, and nobody is signed out', async () => {
    const next = 'the-next-session-secret-of-tests-7d';
    const person = await signInAgain(me);
    const env = { DATABASE_URL: ingresses.database.url, TRUST_PROXY: '127.0.0.1/32' };
    const both = await startIngress({ ...env, SESSION_SECRET: `${next},${testSecrets.SESSION_SECRET}` });
    const keys = openKeyring([next, testSecrets.SESSION_SECRET]);
    expect(await resealSigningKeys({ pool: ingresses.database.pool, keys })).toBeGreaterThan(0);
    expect(await resealSigningKeys({ pool: ingresses.database.pool, keys })).toBe(0);
    const send = openClient(both.origin);
    expect(await send('/api/auth/me', { token: person.accessToken })).toMatchObject({ status: 200 });
    const refreshed = await send('/api/auth/refresh', { body: { refreshToken: person.refreshToken } });
    expect(refreshed).toMatchObject({ status: 200 });
    expect(await send('/api/auth/refresh', { body: { refreshToken: person.refreshToken } })).toMatchObject({
      status: 200,
      body: { refreshToken: refreshed.body.refreshToken },
    });
    const only = await startIngress({ ...env, SESSION_SECRET: next });
    const sendOnly = openClient(only.origin);
    const renewed = await sendOnly('/api/auth/refresh', { body: { refreshToken: refreshed.body.refreshToken } });
    expect(renewed).toMatchObject({ status: 200 });
    // Its device is known on, under the new secret, or this would be a replay from another one.
    expect(await sendOnly('/api/auth/refresh', { body: { refreshToken: refreshed.body.refreshToken } })).toMatchObject({
      status: 200,
      body: { refreshToken: renewed.body.refreshToken },
    });
    expect(await sendOnly('/api/auth/refresh', { body: { refreshToken: person.refreshToken } })).toMatchObject({
      status: 401,
      body: { code: 'refresh-invalid' },
    });
    await both[Symbol.asyncDispose]();
    await only[Symbol.asyncDispose]();
  });
});

it('an answer that is held open ends with its session', async () => {
  const person = await signInAgain(me);
  const id = newId();
  await ingresses.database.pool.query(
    `insert into upload (id, owner_id, ticket_id, status, original_name, extension, size_bytes, sha256, next_check_at)
     values ($1, $2, 't-1', 'quarantined', 'a.txt', 'txt', 1, '', now() + interval '1 hour')`,
    [id, me.id],
  );
  const startedMs = performance.now();
  const second = openClient(ingresses.second.origin);
  const waiting = second(`/api/uploads/${id}`, { token: person.accessToken, headers: { prefer: 'wait=20' } });
  await sleep(300);
  await person.send('/api/auth/logout', { method: 'POST', token: person.accessToken });
  expect(await waiting).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});
