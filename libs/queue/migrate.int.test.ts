import { expect, it, onTestFinished } from 'vitest';
import { migrateQueue } from '#queue/migrate.ts';
import { openTestDatabase } from '#testing/database.ts';
import { numbered } from '#testing/queue-worker.ts';

it('makes the schema once however many call it, and lets the application use it without owning it', async () => {
  const database = await openTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const contracts = [numbered('first'), numbered("second's")];
  const migrate = (): Promise<void> => migrateQueue(database.url, contracts, { ownerUrl: database.ownerUrl });
  await Promise.all([migrate(), migrate(), migrate(), migrate()]);
  await migrate();

  const { rows } = await database.pool.query(
    `select nspname as schema, pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = 'bullmq'`,
  );
  expect(rows).toEqual([{ schema: 'bullmq', owner: 'portcullis_owner' }]);
  await expect(database.pool.query('select count(*) from bullmq.job')).resolves.toMatchObject({ rows: [{ count: 0 }] });
  await expect(database.pool.query('create table bullmq.mine ()')).rejects.toThrow('permission denied');
  await expect(database.pool.query('drop table bullmq.job')).rejects.toThrow('must be owner');
  await expect(database.pool.query('delete from bullmq.migration')).rejects.toThrow('permission denied');
});

it('has nothing to do on Redis', async () => {
  await expect(migrateQueue('redis://127.0.0.1:1', [numbered('any')])).resolves.toBeUndefined();
});
