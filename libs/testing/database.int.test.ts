import { expect, it, onTestFinished } from 'vitest';
import { openTestDatabase } from '#testing/database.ts';

it('gives each test a migrated database of its own', async () => {
  const first = await openTestDatabase();
  onTestFinished(() => first[Symbol.asyncDispose]());
  const second = await openTestDatabase();
  onTestFinished(() => second[Symbol.asyncDispose]());
  await first.pool.query('create temporary table mine (id int)');
  const { rows } = await first.pool.query<{ name: string }>('select current_database() as name');
  const other = await second.pool.query<{ name: string }>('select current_database() as name');
  expect(rows[0]?.name).not.toBe(other.rows[0]?.name);
  const events = await first.pool.query('select count(*) from security_event');
  expect(events.rows).toEqual([{ count: 0 }]);
});

it('signs in as a role that can neither change the schema nor security events', async () => {
  const database = await openTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  await expect(database.pool.query('create table mine (id int)')).rejects.toThrow('permission denied');
  await expect(database.pool.query('delete from security_event')).rejects.toThrow('permission denied');
  await expect(database.pool.query('alter table security_event add column x int')).rejects.toThrow('must be owner');
});

it('stores UTF-8 whatever the language of the machine is', async () => {
  const database = await openTestDatabase({ empty: true });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const { rows } = await database.pool.query<Record<string, string>>(
    `select current_setting('server_encoding') as encoding, upper('grüße') as upper, length('🔒') as length`,
  );
  expect(rows).toEqual([{ encoding: 'UTF8', upper: 'GRÜßE', length: 1 }]);
});
