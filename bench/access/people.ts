import { openPasswordPolicy } from '../../libs/access/password-policy.ts';
import { openPasswords } from '../../libs/access/passwords.ts';
import { createUser } from '../../libs/access/users.ts';
import { record } from '../../libs/audit/record.ts';
import { openPool } from '../../libs/database/pool.ts';

export const PASSWORD = 'correct horse battery staple 42';

export interface Person {
  id: string;
  email: string;
}

/** Users of ours who may sign in with PASSWORD. */
export async function makePeople(databaseUrl: string, count: number): Promise<Person[]> {
  const pool = openPool(databaseUrl, { name: 'bench', max: 2, onError: () => undefined });
  const passwords = await openPasswords(undefined);
  const passwordPolicy = openPasswordPolicy({ minLength: 15 });
  const context = { pool, record, passwords, passwordPolicy, onEnded: () => undefined };
  try {
    const people: Person[] = [];
    for (let n = 0; n < count; n += 1) {
      const person = { email: `person-${n}@example.com`, name: 'Test Person', role: 'user' as const };
      people.push(await createUser(context, { ...person, password: PASSWORD }, { actorKind: 'system' }));
    }
    return people;
  } finally {
    await passwords.close();
    await pool.end();
  }
}

export interface SignedIn {
  accessToken: string;
  refreshToken: string;
}

export async function signIn(port: number, { email }: Person, address: string): Promise<SignedIn> {
  const response = await fetch(`http://127.0.0.1:${port}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  if (response.status !== 200) throw new Error(`sign-in: ${response.status} ${await response.text()}`);
  return (await response.json()) as SignedIn;
}

/** From the network that RFC 2544 keeps for tests. */
export const addressOf = (n: number): string => `198.18.${(n >> 8) & 255}.${n & 255}`;
