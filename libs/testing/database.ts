import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { openPool, type Pool } from '#database/pool.ts';
import { runAs } from '#testing/database-template.ts';

export interface TestDatabase extends AsyncDisposable {
  /** Signs in as the application's role. */
  readonly url: string;
  /** Signs in as the role that owns the schema. */
  readonly ownerUrl: string;
  readonly superuserUrl: string;
  /** A pool of the application's role. */
  readonly pool: Pool;
}

export interface TestDatabaseOptions {
  /** An empty database instead of a migrated one. */
  empty?: boolean;
}

/** A fresh, migrated database of the test's own. Disposing of it ends every session on it. */
export async function openTestDatabase({ empty = false }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { superuserUrl, ownerUrl, url, template } = inject('services').database;
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runAs(
    superuserUrl,
    `create database ${name} owner portcullis_owner template ${empty ? 'template1' : template}`,
  );
  const inDatabase = (of: string): string => Object.assign(new URL(of), { pathname: `/${name}` }).href;
  const pool = openPool(inDatabase(url), { name: 'test', max: 8, onError: () => undefined });
  return {
    url: inDatabase(url),
    ownerUrl: inDatabase(ownerUrl),
    superuserUrl: inDatabase(superuserUrl),
    pool,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await runAs(superuserUrl, `drop database ${name} with (force)`);
    },
  };
}
