import { MikroORM } from '@mikro-orm/postgresql';
import type { Options } from '@mikro-orm/postgresql';
import { Client, escapeIdentifier } from 'pg';
import { url } from '#runtime/config.ts';
import { requireUtf8, type Queryable } from '#database/pool.ts';

export const migrationSettings = {
  /** The role that owns the schema; the role of DATABASE_URL if unset. */
  MIGRATE_DATABASE_URL: url('postgres', 'postgresql').optional(),
};

/** One lock for all who may migrate at once; any constant will do. */
const MIGRATION_LOCK = 4_000_242;

export interface MigrateOptions {
  config: Options;
  ownerUrl: string;
  /** The role that ingress, worker and board sign in as, if it isn't the owner. */
  appRole?: string | undefined;
  /** Tables whose rows that role may add and read, but never change or remove. */
  appendOnly: readonly string[];
  /** Tables that it may only read. */
  readOnly: readonly string[];
  /** The last migration to apply; all of them if left out. */
  upTo?: string;
  /** What else is done as the owner, each time. */
  afterwards?: (owner: Queryable) => Promise<void>;
}

/**
 * Brings the schema up to date, once however many call it at a time, and grants the application's role what it needs.
 * @returns the names of the migrations that were applied.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { config, ownerUrl, appRole, upTo, afterwards } = options;
  const client = new Client({ connectionString: ownerUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await requireUtf8(client);
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const applied = await applyMigrations(config, ownerUrl, upTo);
    await afterwards?.(client);
    if (appRole !== undefined) await grantAccess(client, appRole, options);
    return applied;
  } finally {
    await client.end();
  }
}

async function applyMigrations(config: Options, ownerUrl: string, upTo: string | undefined): Promise<string[]> {
  const orm = await MikroORM.init({
    ...config,
    clientUrl: ownerUrl,
    // Of `clientUrl` only the place and the role are read: what it says of TLS would be lost.
    driverOptions: { connectionString: ownerUrl },
    logger: () => undefined,
  });
  try {
    const applied = await orm.migrator.up(upTo === undefined ? undefined : { to: upTo });
    return applied.map((migration) => migration.name);
  } finally {
    await orm.close(true);
  }
}

/** Where the application's role may touch a partitioned table, it does so through the table, never through a partition. */
const PARTITIONS = `
  select c.oid::regclass::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = any($1::regclass[])`;

async function grantAccess(
  client: Client,
  appRole: string,
  { appendOnly, readOnly }: Pick<MigrateOptions, 'appendOnly' | 'readOnly'>,
): Promise<void> {
  const { rows } = await client.query<{ owner: string }>('select current_user as owner');
  if (rows[0]?.owner === appRole) return;
  const role = escapeIdentifier(appRole);
  await client.query(`
    grant usage on schema public to ${role};
    grant select, insert, update, delete on all tables in schema public to ${role};
    grant usage, select on all sequences in schema public to ${role};
    revoke insert, update, delete, truncate on schema_migration from ${role};`);
  for (const table of appendOnly) {
    await client.query(`revoke update, delete, truncate on ${escapeIdentifier(table)} from ${role}`);
  }
  for (const table of readOnly) {
    await client.query(`revoke insert, update, delete, truncate on ${escapeIdentifier(table)} from ${role}`);
  }
  const partitions = await client.query<{ name: string }>(PARTITIONS, [[...appendOnly]]);
  for (const { name } of partitions.rows) await client.query(`revoke all on ${name} from ${role}`);
}
