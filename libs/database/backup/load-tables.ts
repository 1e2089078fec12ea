import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { PassThrough } from 'node:stream';
import { Client, escapeIdentifier } from 'pg';
import { copyIn } from '#database/backup/copy.ts';
import { copyInStatement } from '#database/backup/list-tables.ts';
import type { Manifest } from '#database/backup/manifest.ts';

export interface LoadOptions {
  /** Of the role that owns the schema. */
  ownerUrl: string;
  directory: string;
  tables: Manifest['tables'];
}

/** Fills the tables of a freshly migrated database, all or none. @throws Error if there are not as many rows as there were. */
export async function loadTables({ ownerUrl, directory, tables }: LoadOptions): Promise<void> {
  const client = new Client({ connectionString: ownerUrl, connectionTimeoutMillis: 5_000, keepAlive: true });
  await client.connect();
  try {
    await client.query('begin');
    for (const table of tables) {
      // What the migrations themselves have put in.
      await client.query(`delete from ${escapeIdentifier(table.name)}`);
      const rows = await copyIn(client, copyInStatement(table), unzipped(join(directory, table.file.path)));
      if (rows !== table.rows) throw new Error(`${table.name}: ${rows} rows instead of ${table.rows}`);
    }
    await client.query('commit');
  } finally {
    await client.end();
  }
}

function unzipped(path: string): AsyncIterable<Buffer> {
  const rows = new PassThrough();
  pipeline(createReadStream(path), createGunzip(), rows).catch((error: unknown) => rows.destroy(error as Error));
  return rows;
}

/** Whether there is nothing in the database yet. */
export async function isEmptyDatabase(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_tables where schemaname = 'public' limit 1");
    return rowCount === 0;
  } finally {
    await client.end();
  }
}
