import { openPasswordPolicy } from '#access/password-policy.ts';
import { openPasswords } from '#access/passwords.ts';
import { createUser } from '#access/users.ts';
import { record } from '#audit/record.ts';
import type { Pool } from '#database/pool.ts';
import { TEST_PASSWORD } from '#testing/access.ts';

export interface ChaosPerson {
  id: string;
  email: string;
  password: string;
}

/** People who may sign in, all with one hash: making one takes long on purpose. */
export async function makePeople(pool: Pool, name: string, count: number): Promise<ChaosPerson[]> {
  const opened = await openPasswords(undefined);
  try {
    const hash = await opened.make(TEST_PASSWORD);
    const passwords = { ...opened, make: async () => hash };
    const passwordPolicy = openPasswordPolicy({ minLength: 15 });
    const context = { pool, record, passwords, passwordPolicy, onEnded: () => undefined };
    const people: ChaosPerson[] = [];
    for (let n = 1; n <= count; n += 1) {
      const given = {
        email: `${name}-${n}@example.com`,
        name: 'Somebody',
        role: 'user',
        password: TEST_PASSWORD,
      } as const;
      const { id } = await createUser(context, given, { actorKind: 'system' });
      people.push({ id, email: given.email, password: TEST_PASSWORD });
    }
    return people;
  } finally {
    await opened.close();
  }
}
