import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureFirstAdmin } from '#access/first-admin.ts';
import { openTestAccess, TEST_PASSWORD, type TestAccess } from '#testing/access.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';

let database: TestDatabase;
let access: TestAccess;
beforeAll(async () => {
  database = await openTestDatabase();
  access = openTestAccess(database.pool);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const users = async () => (await database.pool.query('select email, role from app_user')).rows;
const given = { email: 'Root@Example.com', password: TEST_PASSWORD };

it('makes nobody up where nobody is named', async () => {
  expect(await ensureFirstAdmin(access, { email: undefined, password: undefined })).toBe(false);
  expect(await users()).toEqual([]);
});

it.each([
  ['no password', { email: given.email, password: undefined }, /ADMIN_PASSWORD/],
  ['a short password', { email: given.email, password: 'short' }, /ADMIN_PASSWORD: too-short/],
  ['a common password', { email: given.email, password: 'passwordpassword' }, /ADMIN_PASSWORD: common/],
  ['no address', { email: undefined, password: TEST_PASSWORD }, /ADMIN_EMAIL/],
  ['a bad address', { email: 'root', password: TEST_PASSWORD }, /ADMIN_EMAIL/],
])('says what is wrong with %s', async (_, settings, message) => {
  await expect(ensureFirstAdmin(access, settings)).rejects.toThrow(message);
  expect(await users()).toEqual([]);
});

it('is made once, however many migrations run at a time', async () => {
  const made = await Promise.all(Array.from({ length: 5 }, () => ensureFirstAdmin(access, given)));
  expect(made.filter(Boolean)).toHaveLength(1);
  expect(await users()).toEqual([{ email: 'root@example.com', role: 'admin' }]);
});

it('is not made again where there is any user', async () => {
  expect(await ensureFirstAdmin(access, { ...given, email: 'other@example.com' })).toBe(false);
  expect(await users()).toHaveLength(1);
});
