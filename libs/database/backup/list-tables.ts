import { escapeIdentifier } from 'pg';
import type { Queryable } from '#database/pool.ts';

export interface TableShape {
  name: string;
  columns: string[];
}

/** What a restored database has of its own. */
const LEFT_OUT = ['schema_migration', 'process_heartbeat'];

const SHAPES = `
  select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and not c.relname = any($1)
  group by c.relname
  order by c.relname`;

const REFERENCES = `
  select distinct f.conrelid::regclass::text as child, f.confrelid::regclass::text as parent
  from pg_constraint f where f.contype = 'f' and f.conrelid <> f.confrelid`;

/** Every table of ours with its columns, each after those it refers to. The queue keeps its own. */
export async function listTables(client: Queryable): Promise<TableShape[]> {
  const { rows: tables } = await client.query<TableShape>(SHAPES, [LEFT_OUT]);
  const { rows: references } = await client.query<{ child: string; parent: string }>(REFERENCES);
  const sorted: TableShape[] = [];
  let left = tables;
  while (left.length > 0) {
    const names = new Set(left.map(({ name }) => name));
    const free = left.filter(
      ({ name }) => !references.some(({ child, parent }) => child === name && names.has(parent)),
    );
    if (free.length === 0) throw new Error(`tables refer to each other: ${[...names].join(', ')}`);
    sorted.push(...free);
    left = left.filter((table) => !free.includes(table));
  }
  return sorted;
}

/** A partitioned table can only be read through a query. */
export function copyOutStatement({ name, columns }: TableShape): string {
  return `copy (select ${columns.map(escapeIdentifier).join(', ')} from ${escapeIdentifier(name)}) to stdout`;
}

export function copyInStatement({ name, columns }: TableShape): string {
  return `copy ${escapeIdentifier(name)} (${columns.map(escapeIdentifier).join(', ')}) from stdin`;
}
