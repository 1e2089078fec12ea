import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { requestBytes, type LoadClient } from '../http-load.ts';
import { migrateDatabase, startServer } from '../servers.ts';
import type { Stores } from '../stores.ts';
import { fixed, readingOwnUser, renewing, rotating } from './clients.ts';
import { addressOf, makePeople, signIn, type Person, type SignedIn } from './people.ts';

/** A server with sessions, and what is sent to it. */
export interface Contestant {
  name: string;
  port: number;
  /** The roots of all processes that work for it. */
  pids: readonly number[];
  clients: readonly LoadClient[];
}

export interface Contestants {
  /** In this order: without authentication, ours, better-auth, better-auth with its cookie cache, express-session. */
  read: Contestant[];
  /** In this order: ours, better-auth, express-session. */
  refresh: Contestant[];
  /** Two processes of ours on one database. */
  ours: { ports: [number, number]; people: Person[] };
}

const PEOPLE = 32;
/** A session may be refreshed 1,000 times a minute; a connection that has several of them in turn does not meet that. */
const REFRESHED_IN_TURN = 8;
/** What the ingress lets wait for a password hash without refusing. */
const SIGN_INS_AT_ONCE = 16;
/** No limit that is met here: limits are not what is measured. */
export const LIMITS_PER_MINUTE = 'anonymous:10000000,user:10000000';

export async function startContestants(
  stack: AsyncDisposableStack,
  { stores, sessions, onRedis }: { stores: Stores; sessions: number; onRedis: boolean },
): Promise<Contestants> {
  const { postgresPid, redisPid } = stores;
  const ours = await startOurs(stack, stores, { onRedis });
  const { people, signedIn } = await signInMany(ours, sessions * REFRESHED_IN_TURN);
  const refreshTokens = signedIn.map(({ refreshToken }) => refreshToken);
  const plain = await startServer(stack, 'bench/peers/without-authentication.ts', { DATABASE_URL: ours.databaseUrl });
  const betterAuthUrl = (await stores.database('better_auth')).ownerUrl;
  const betterAuth = (env: Record<string, string>) =>
    startServer(stack, 'bench/peers/better-auth.mjs', { DATABASE_URL: betterAuthUrl, ...env });
  const checking = await betterAuth({ MIGRATE: 'yes' });
  const caching = await betterAuth({ COOKIE_CACHE: 'yes' });
  const extending = await betterAuth({ UPDATE_AGE: '0' });
  const sessionServer = await startServer(stack, 'bench/peers/express-session.mjs', { QUEUE_URL: stores.redis(3) });
  const ourPids = [ours.pids[0], postgresPid, ...(onRedis ? [redisPid] : [])];
  const [checkingCookies, cachingCookies, extendingCookies, sessionCookies, renewingCookies] = [
    await signUpMany(checking.port, sessions, 'checking'),
    await signUpMany(caching.port, sessions, 'caching'),
    await signUpMany(extending.port, sessions, 'extending'),
    await logInMany(sessionServer.port, sessions),
    await logInMany(sessionServer.port, sessions),
  ];
  return {
    read: [
      {
        name: 'the same route without authentication',
        port: plain.port,
        pids: [plain.pid, postgresPid],
        clients: Array.from({ length: sessions }, (_, n) =>
          fixed(requestBytes('GET', '/api/auth/me', { 'x-user-id': personAt(people, n).id })),
        ),
      },
      {
        name: 'Portcullis',
        port: ours.ports[0],
        pids: ourPids,
        clients: signedIn.slice(0, sessions).map(readingOwnUser),
      },
      {
        name: 'better-auth',
        port: checking.port,
        pids: [checking.pid, postgresPid],
        clients: checkingCookies.map((cookie) => fixed(requestBytes('GET', '/me', { cookie }))),
      },
      {
        name: 'better-auth with its cookie cache (5 min)',
        port: caching.port,
        pids: [caching.pid, postgresPid],
        clients: cachingCookies.map((cookie) => fixed(requestBytes('GET', '/me', { cookie }))),
      },
      {
        name: 'express-session and connect-redis',
        port: sessionServer.port,
        pids: [sessionServer.pid, redisPid],
        clients: sessionCookies.map((cookie) => fixed(requestBytes('GET', '/me', { cookie }))),
      },
    ],
    refresh: [
      {
        name: 'Portcullis: the token rotated',
        port: ours.ports[0],
        pids: ourPids,
        clients: Array.from({ length: sessions }, (_, n) =>
          rotating(refreshTokens.slice(n * REFRESHED_IN_TURN, (n + 1) * REFRESHED_IN_TURN)),
        ),
      },
      {
        name: 'better-auth: the session extended',
        port: extending.port,
        pids: [extending.pid, postgresPid],
        clients: extendingCookies.map((cookie) => fixed(requestBytes('GET', '/api/auth/get-session', { cookie }))),
      },
      {
        name: 'express-session: the session under a new id',
        port: sessionServer.port,
        pids: [sessionServer.pid, redisPid],
        clients: renewingCookies.map(renewing),
      },
    ],
    ours: { ports: ours.ports, people },
  };
}

/** Two processes of ours on one database; `env` is added to theirs. */
export async function startOurs(
  stack: AsyncDisposableStack,
  stores: Stores,
  { onRedis, env: added = {} }: { onRedis: boolean; env?: Record<string, string> },
) {
  const { url, ownerUrl } = await stores.database('ours');
  const env = {
    DATABASE_URL: url,
    LOG_LEVEL: 'warn',
    DATA_DIR: join(stores.scratch, 'ours'),
    TRUST_PROXY: '127.0.0.1/32',
    LIMITS_PER_MINUTE,
    SESSION_SECRET: randomBytes(24).toString('hex'),
    CSRF_SECRET: randomBytes(24).toString('hex'),
    ...(onRedis ? { QUEUE_URL: stores.redis(2) } : {}),
    ...added,
  };
  await migrateDatabase({ ...env, MIGRATE_DATABASE_URL: ownerUrl });
  const first = await startServer(stack, 'apps/ingress/main.ts', env);
  const second = await startServer(stack, 'apps/ingress/main.ts', env);
  const ports: [number, number] = [first.port, second.port];
  return { databaseUrl: url, ports, pids: [first.pid, second.pid] as [number, number] };
}

export async function signInMany(
  { databaseUrl, ports }: { databaseUrl: string; ports: readonly [number, number] },
  sessions: number,
): Promise<{ people: Person[]; signedIn: SignedIn[] }> {
  const people = await makePeople(databaseUrl, PEOPLE);
  const signedIn: SignedIn[] = [];
  for (let first = 0; first < sessions; first += SIGN_INS_AT_ONCE) {
    const some = Array.from({ length: Math.min(SIGN_INS_AT_ONCE, sessions - first) }, (_, n) => first + n);
    signedIn.push(...(await Promise.all(some.map((n) => signIn(ports[0], personAt(people, n), addressOf(n))))));
  }
  return { people, signedIn };
}

function personAt(people: readonly Person[], n: number): Person {
  const person = people[n % people.length];
  if (person === undefined) throw new Error('there are no people');
  return person;
}

function signUpMany(port: number, count: number, name: string): Promise<string[]> {
  return Promise.all(
    Array.from({ length: count }, (_, n) =>
      cookiesOf(`http://127.0.0.1:${port}/api/auth/sign-up/email`, {
        name: 'Test Person',
        email: `${name}-${n}@example.com`,
        password: 'correct horse battery staple 42',
      }),
    ),
  );
}

const logInMany = (port: number, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => cookiesOf(`http://127.0.0.1:${port}/login`, {})));

async function cookiesOf(url: string, body: object): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: new URL(url).origin },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  await response.body?.cancel();
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
