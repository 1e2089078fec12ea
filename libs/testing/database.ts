import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { openPool, type Pool } from '#database/pool.ts';
import { environment } from '#runtime/config.ts';
import { runAs } from '#testing/database-template.ts';
import type { TestDatabaseServer } from '#testing/services.ts';

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
  const { superuserUrl, ownerUrl, url, template } = serverOfThisWorker();
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

function serverOfThisWorker(): TestDatabaseServer {
  const { databases } = inject('services');
  // Vitest numbers the workers that are alive from 1.
  const number = Number(environment()['VITEST_POOL_ID']);
  const server = databases[number - 1];
  if (server === undefined) throw new Error(`vitest worker ${number} has no PostgreSQL: there are ${databases.length}`);
  return server;
}
