import { randomInt } from 'node:crypto';
import { openPasswordPolicy } from '#access/password-policy.ts';
import { openPasswords } from '#access/passwords.ts';
import type { Role } from '#access/user.ts';
import { createUser, type User } from '#access/users.ts';
import { record } from '#audit/record.ts';
import type { Pool } from '#database/pool.ts';

export const PASSWORD = 'correct horse battery staple 42';

/** A user who may sign in with PASSWORD. */
export async function makeUser(pool: Pool, { email, role = 'user' }: { email: string; role?: Role }): Promise<User> {
  const passwordPolicy = openPasswordPolicy({ minLength: 15 });
  const passwords = await openPasswords(undefined);
  const context = { pool, record, passwords, passwordPolicy, onEnded: () => undefined };
  try {
    return await createUser(context, { email, name: 'Test Person', role, password: PASSWORD }, { actorKind: 'system' });
  } finally {
    await passwords.close();
  }
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Of JSON; otherwise undefined. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into it as they please
  body: any;
  text: string;
}

export interface Send {
  method?: string;
  body?: unknown;
  /** An access token or API token. */
  token?: string | undefined;
  headers?: Record<string, string>;
}

/** A client of one ingress with an address of its own, so that limits of one test don't meet those of another. */
export function openClient(origin: string, address = randomAddress()) {
  return async function send(path: string, { method, body, token, headers = {} }: Send = {}): Promise<Answer> {
    const response = await fetch(origin + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      redirect: 'manual',
      headers: {
        'x-forwarded-for': address,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  };
}

export type SendRequest = ReturnType<typeof openClient>;

/** From the network that RFC 2544 keeps for tests. */
export function randomAddress(): string {
  return `198.18.${randomInt(256)}.${randomInt(256)}`;
}
