import type { PoolClient } from '#database/pool.ts';
import type { Statement } from '#testing/plans/record-statements.ts';

interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Total Cost': number;
  Plans?: Node[];
}

export interface Plan {
  /** As if each table were a hundred times as large. */
  cost: number;
  /** Tables and partitions that it reads. */
  tables: string[];
  /** Those that it reads through. */
  scanned: string[];
}

const TIMES_LARGER = 100;
/** PostgreSQL's own figures for a page and a row that are read one after the other; what is looked for in an index costs what it did. */
const LARGER = Object.entries({
  seq_page_cost: 1,
  cpu_tuple_cost: 0.01,
  cpu_index_tuple_cost: 0.005,
  cpu_operator_cost: 0.0025,
})
  .map(([setting, cost]) => `set local ${setting} = ${cost * TIMES_LARGER}`)
  .join('; ');

/** PostgreSQL adds a little to a plan for given values, for the planning: so much dearer the general one may be. */
const PLANNING_COST = 25;

/** The plan for the values, and that without them where PostgreSQL would come to use it for a prepared statement. */
export async function plansOf(client: PoolClient, { name, text, values, settings }: Statement): Promise<Plan[]> {
  const special = (): Promise<Node> => explain(client, `explain (format json) ${text}`, values);
  const general = (): Promise<Node> => explain(client, `explain (generic_plan, format json) ${text}`, []);
  await client.query('begin; set local max_parallel_workers_per_gather = 0');
  try {
    if (settings !== '') await client.query(settings);
    const isGeneral = name !== '' && (await general())['Total Cost'] < (await special())['Total Cost'] + PLANNING_COST;
    await client.query(LARGER);
    const plans = [await special(), ...(isGeneral ? [await general()] : [])];
    return plans.map((root) => {
      const reading = nodesOf(root).filter((node) => node['Relation Name'] !== undefined);
      const tablesOf = (nodes: readonly Node[]): string[] => nodes.map((node) => node['Relation Name'] ?? '');
      return {
        cost: root['Total Cost'],
        tables: tablesOf(reading),
        scanned: tablesOf(reading.filter((node) => node['Node Type'] === 'Seq Scan')),
      };
    });
  } finally {
    await client.query('rollback');
  }
}

/** What it costs to read a table through, as if it were a hundred times as large. */
export const readingCost = ({ pages, rows }: { pages: number; rows: number }): number =>
  TIMES_LARGER * (pages + 0.01 * rows);

async function explain(client: PoolClient, text: string, values: unknown[]): Promise<Node> {
  const { rows } = await (values.length === 0 ? client.query(text) : client.query(text, values));
  return (rows[0] as { 'QUERY PLAN': [{ Plan: Node }] })['QUERY PLAN'][0].Plan;
}

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap((inner) => nodesOf(inner))];
}
