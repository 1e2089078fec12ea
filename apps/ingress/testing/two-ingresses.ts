import { afterAll, beforeAll } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import type { Role } from '#access/user.ts';
import { makeUser, openClient, PASSWORD, type Answer, type SendRequest } from './people.ts';
import { startIngress, type StartedIngress } from './start-ingress.ts';

/** What a test file of sign-in and sessions stands on: one database, and two processes in front of it. */
export interface TwoIngresses {
  database: TestDatabase;
  first: StartedIngress;
  second: StartedIngress;
}

export interface Person {
  id: string;
  email: string;
  /** A client of the first process. */
  send: SendRequest;
  /** The answer to the sign-in that was made by `send`. */
  login: Answer;
  accessToken: string;
  refreshToken: string;
  sessionId: string;
}

/** Opened before the tests of a file and closed after them. */
export function useTwoIngresses(env: Record<string, string> = {}): TwoIngresses {
  const opened = {} as TwoIngresses;
  beforeAll(async () => {
    opened.database = await openTestDatabase();
    const all = { DATABASE_URL: opened.database.url, TRUST_PROXY: '127.0.0.1/32', ...env };
    [opened.first, opened.second] = await Promise.all([startIngress(all), startIngress(all)]);
  });
  afterAll(async () => {
    await opened.first?.[Symbol.asyncDispose]();
    await opened.second?.[Symbol.asyncDispose]();
    await opened.database?.[Symbol.asyncDispose]();
  });
  return opened;
}

let made = 0;

/** A new user who has just signed in. */
export async function signedIn({ database, first }: TwoIngresses, role: Role = 'user'): Promise<Person> {
  made += 1;
  const email = `${role}-${made}@example.com`;
  const { id } = await makeUser(database.pool, { email, role });
  return signInAgain({ id, email, send: openClient(first.origin) });
}

/** A further session of the same user, with a client of its own. */
export async function signInAgain(
  { id, email, send }: Pick<Person, 'id' | 'email' | 'send'>,
  password = PASSWORD,
): Promise<Person> {
  const login = await send('/api/auth/login', { body: { email, password } });
  if (login.status !== 200) throw new Error(`sign-in: ${login.status} ${login.text}`);
  const { accessToken, refreshToken } = login.body;
  return { id, email, send, login, accessToken, refreshToken, sessionId: refreshToken.split('.')[2] };
}
