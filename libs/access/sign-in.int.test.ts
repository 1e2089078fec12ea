import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { changePassword } from '#access/change-password.ts';
import type { Passwords } from '#access/passwords.ts';
import { signIn, type SignedIn } from '#access/sign-in.ts';
import { createUser, type User } from '#access/users.ts';
import { Failure } from '#runtime/failure.ts';
import { openTestAccess, TEST_PASSWORD, testClient } from '#testing/access.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

let n = 0;
let user: User;
/** What became of the points that attempts took. */
let given: string[];
beforeEach(async () => {
  n += 1;
  given = [];
  const account = { email: `busy-${n}@example.com`, name: 'Busy', role: 'user', password: TEST_PASSWORD } as const;
  user = await createUser(openTestAccess(database.pool), account, { actorKind: 'system' });
});

const busy = async (): Promise<never> => {
  throw new Failure('sign-in-busy');
};

/** Access whose hashing does some of its work in another way. */
function accessWith(changed: Partial<Passwords> = {}) {
  const usual = openTestAccess(database.pool);
  return openTestAccess(database.pool, {
    passwords: { ...usual.passwords, ...changed },
    signInLimit: {
      consume: async () => ({
        isLast: false,
        refund: async () => void given.push('refunded'),
        withdraw: async () => void given.push('withdrawn'),
      }),
    },
  });
}

const login = (changed: Partial<Passwords>): Promise<SignedIn> =>
  signIn(accessWith(changed), { email: user.email, password: TEST_PASSWORD, client: testClient });

it('gives back what a sign-in took at which nobody had the time to look, without calling it a success', async () => {
  await expect(login({ isRight: busy })).rejects.toMatchObject({ code: 'sign-in-busy' });
  expect(given).toEqual(['withdrawn']);
});

it('lets in who has the right password, also where hashing is too busy to renew an old hash', async () => {
  expect(await login({ isOutdated: () => true, make: busy })).toMatchObject({ user: { id: user.id } });
  expect(given).toEqual(['refunded']);
});

it.each<[string, Partial<Passwords>, string, string]>([
  ['is refused', {}, 'passwordpassword', 'password-refused'],
  ['can not be hashed now', { make: busy }, 'seven purple hedgehogs dancing', 'sign-in-busy'],
])('gives back what a change of password took whose new one %s', async (_, changed, newPassword, code) => {
  const { sessionId } = await login({});
  const proof = { userId: user.id, sessionId, password: TEST_PASSWORD, newPassword, client: testClient };
  await expect(changePassword(accessWith(changed), proof)).rejects.toMatchObject({ code });
  expect(given).toEqual(['refunded', 'refunded']);
});
