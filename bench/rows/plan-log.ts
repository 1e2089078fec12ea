import { GROWING } from './fill.ts';

const STATEMENT_LENGTH = 70;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}

/** How PostgreSQL ran a statement that reads a growing table. */
export interface Plan {
  statement: string;
  indexes: string[];
  /** Growing tables that it read from end to end. */
  readThrough: string[];
}

/** Reads what auto_explain writes into PostgreSQL's log. */
export function openPlanLog() {
  const plans = new Map<string, Plan>();
  let lines: string[] | undefined;
  let unread = 0;

  function finish(): void {
    if (lines === undefined) return;
    try {
      const { 'Query Text': text, Plan: root } = JSON.parse(lines.join('')) as { 'Query Text': string; Plan: PlanNode };
      const plan = planOf(text, root);
      if (plan !== undefined) plans.set(`${plan.statement} ${plan.indexes.join()} ${plan.readThrough.join()}`, plan);
    } catch {
      // Two servers' lines came at once; each statement is run many times.
      unread += 1;
    }
    lines = undefined;
  }

  return {
    line(line: string): void {
      if (/LOG: {2}duration: .* plan:/.test(line)) {
        finish();
        lines = [];
      } else if (lines !== undefined && /^\s/.test(line)) lines.push(line);
      else finish();
    },
    /** Every statement's plan; more than one where it was not always run in the same way. */
    plans: (): Plan[] => [...plans.values()].toSorted((a, b) => a.statement.localeCompare(b.statement)),
    unread: () => unread,
  };
}

function planOf(text: string, root: PlanNode): Plan | undefined {
  const nodes = nodesOf(root);
  const touched = nodes.map((node) => node['Relation Name'] ?? '');
  if (!touched.some(isGrowing)) return undefined;
  const readThrough = nodes
    .filter((node) => node['Node Type'] === 'Seq Scan')
    .map((node) => node['Relation Name'] ?? '')
    .filter(isGrowing);
  const indexes = nodes.map((node) => node['Index Name'] ?? '').filter((name) => name !== '');
  if (indexes.length + readThrough.length === 0) return undefined;
  const statement = text.replaceAll(/\s+/g, ' ').trim().slice(0, STATEMENT_LENGTH);
  return { statement, indexes: [...new Set(indexes)].toSorted(), readThrough: [...new Set(readThrough)] };
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

const isGrowing = (table: string): boolean => (GROWING as string[]).includes(table);
