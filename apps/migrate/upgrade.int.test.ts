import { describe, expect, it, onTestFinished } from 'vitest';
import { openPasswords } from '#access/passwords.ts';
import { appendOnlyTables, readOnlyTables } from '#audit/audit-policy.ts';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { migrate } from '#database/migrate.ts';
import { migrations } from '#database/migrations/list.ts';
import { openOrm } from '#database/orm.ts';
import { runAs } from '#testing/database-template.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runProcessToEnd } from '#testing/process.ts';
import config from '../../mikro-orm.config.ts';
import { rowsOf } from './testing/rows-of-migrations.ts';

async function openEmpty(): Promise<TestDatabase> {
  const database = await openTestDatabase({ empty: true });
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}

/** A database as the release left it whose newest migration this is, with rows in every table. */
async function openEarlier(newest: (typeof migrations)[number]): Promise<TestDatabase> {
  const database = await openEmpty();
  const rights = { appRole: 'portcullis', appendOnly: appendOnlyTables, readOnly: readOnlyTables };
  await migrate({ config, ownerUrl: database.ownerUrl, ...rights, upTo: newest.name });
  for (const { name } of migrations.slice(0, migrations.indexOf(newest) + 1)) {
    await runAs(database.ownerUrl, rowsOf[name]);
  }
  return database;
}

const upgrade = ({ url, ownerUrl }: TestDatabase) =>
  runProcessToEnd('apps/migrate/main.ts', { env: { DATABASE_URL: url, MIGRATE_DATABASE_URL: ownerUrl } });

type Content = Record<string, Record<string, unknown>[]>;

async function contentOf({ pool }: TestDatabase): Promise<Content> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const content: Content = {};
  for (const { name } of rows.filter((table) => table.name !== 'schema_migration')) {
    const found = await pool.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from ${name} t order by to_jsonb(t)::text`,
    );
    content[name] = found.rows.map(({ row }) => row);
  }
  return content;
}

/** Columns, constraints, indexes, triggers, functions, storage, and who may do what: one line each. */
async function shapeOf({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(`
    with ours as (
      select c.* from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public'
    )
    select format('%s.%s %s not null %s default %s storage %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attstorage) as line
      from ours c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where c.relkind in ('r', 'p')
    union all select format('%s options %s rights %s', relname, reloptions, relacl) from ours where relkind in ('r', 'p', 'S')
    union all select format('%s constraint %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      from pg_constraint where connamespace = 'public'::regnamespace
    union all select pg_get_indexdef(oid) from ours where relkind in ('i', 'I')
    union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal and tgrelid in (select oid from ours)
    union all select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
    order by 1`);
  return rows.map(({ line }) => line);
}

/** What each release promised of its rows, by the migration that it came with. */
const REFUSED: Record<string, [string, string][]> = {
  'm0001-audit': [["update security_event set type = 'x'", 'is append-only']],
  'm0002-webhooks': [
    [
      "insert into webhook_log select (jsonb_populate_record(w, jsonb_build_object('id', gen_random_uuid()))).* from webhook_log w where dedupe_key is not null",
      'webhook_log_copy',
    ],
  ],
  'm0003-access': [["delete from app_user where email = 'anna@example.com'", 'violates foreign key']],
  'm0004-uploads': [
    [
      "insert into upload select (jsonb_populate_record(u, jsonb_build_object('id', gen_random_uuid()))).* from upload u",
      'upload_idempotency',
    ],
  ],
};

describe.each(migrations.slice(0, -1))('a database of the release that came with $name', (newest) => {
  it('keeps every row, gets the schema of a new one, and is held to it', { timeout: 60_000 }, async () => {
    const [database, fresh] = [await openEarlier(newest), await openTestDatabase()];
    onTestFinished(() => fresh[Symbol.asyncDispose]());
    const before = await contentOf(database);
    expect(Object.entries(before).filter(([, rows]) => rows.length === 0)).toEqual([]);

    expect(await upgrade(database)).toMatchObject({ code: 0 });

    expect(await contentOf(database)).toMatchObject(before);
    expect(await shapeOf(database)).toEqual(await shapeOf(fresh));
    const known = migrations.slice(0, migrations.indexOf(newest) + 1);
    for (const [statement, message] of known.flatMap(({ name }) => REFUSED[name] ?? [])) {
      await expect(runAs(database.ownerUrl, statement)).rejects.toThrow(message);
    }
    await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
    await sealAll(database.pool, new AbortController().signal);
    expect(await verifyChain(database.pool)).toMatchObject({ intact: true, events: 3 });
  });
});

const last = migrations.at(-1)!;

describe('the newest migrations', () => {
  it('change nothing when they are run again, by two at once', async () => {
    const database = await openEarlier(last);
    await upgrade(database);
    const before = await contentOf(database);
    expect(await Promise.all([upgrade(database), upgrade(database)])).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(await contentOf(database)).toEqual(before);
  });

  it('lead back one by one, and forward again to the same schema', { timeout: 60_000 }, async () => {
    const [database, fresh] = [await openEarlier(last), await openTestDatabase()];
    onTestFinished(() => fresh[Symbol.asyncDispose]());
    await leadBack(database);
    expect(await contentOf(database)).toEqual({});
    expect(await upgrade(database)).toMatchObject({ code: 0 });
    expect(await shapeOf(database)).toEqual(await shapeOf(fresh));
  });

  it('know the passwords that earlier releases hashed', async () => {
    const { pool } = await openEarlier(last);
    const { rows } = await pool.query<{ hash: string }>('select password_hash as hash from app_user');
    const passwords = await openPasswords(undefined);
    onTestFinished(() => passwords.close());
    const stored = { hash: rows[0]?.hash ?? '', pepperId: null };
    expect(await passwords.isRight(stored, 'correct horse battery staple 42')).toBe(true);
    expect(await passwords.isRight(stored, 'correct horse battery staple 43')).toBe(false);
  });
});

async function leadBack({ ownerUrl }: TestDatabase): Promise<void> {
  const orm = await openOrm({ ...config, logger: () => undefined }, ownerUrl);
  try {
    for (const { name } of migrations.toReversed()) await orm.migrator.down({ migrations: [name] });
  } finally {
    await orm.close(true);
  }
}
