import { Transform } from 'node:stream';
import { createGzip } from 'node:zlib';
import { Client } from 'pg';
import type { Queryable } from '#database/pool.ts';
import { copyOut } from '#database/backup/copy.ts';
import { writeDigested } from '#database/backup/digest-file.ts';
import { copyOutStatement, listTables, type TableShape } from '#database/backup/list-tables.ts';
import type { Manifest } from '#database/backup/manifest.ts';

export interface DumpOptions {
  databaseUrl: string;
  directory: string;
  /** Called in the same snapshot, after the tables. */
  inSnapshot: (client: Queryable) => Promise<void>;
}

const NEWLINE = 0x0a;

/** Writes every table into a file of its own, all of them as they were at one moment. */
export async function dumpTables(options: DumpOptions): Promise<Pick<Manifest, 'tables' | 'migrations'>> {
  const client = new Client({ connectionString: options.databaseUrl, connectionTimeoutMillis: 5_000, keepAlive: true });
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read, read only');
    const { rows } = await client.query<{ name: string }>('select name from schema_migration order by id');
    const tables: Manifest['tables'] = [];
    for (const table of await listTables(client)) tables.push(await dumpTable(client, options.directory, table));
    await options.inSnapshot(client);
    await client.query('commit');
    return { tables, migrations: rows.map(({ name }) => name) };
  } finally {
    await client.end();
  }
}

async function dumpTable(client: Client, directory: string, table: TableShape): Promise<Manifest['tables'][number]> {
  let rows = 0;
  // A newline inside of a value is written as \n, so each one ends a row.
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) rows += 1;
      done(null, chunk);
    },
  });
  const source = copyOut(client, copyOutStatement(table));
  const file = await writeDigested(directory, `tables/${table.name}.copy.gz`, source, count, createGzip({ level: 6 }));
  return { ...table, rows, file };
}
