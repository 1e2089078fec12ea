import { expect, it } from 'vitest';
import { openPlanLog } from './plan-log.ts';

const HEAD = '2026-01-01 10:00:00.000 UTC [7] LOG:  duration: 0.010 ms  plan:';

const linesOf = (text: string, plan: object): string[] => [
  HEAD,
  ...JSON.stringify({ 'Query Text': text, Plan: plan }, undefined, 2)
    .split('\n')
    .map((line) => `\t${line}`),
];

it('tells which indexes a statement used, and which growing tables it read through at any depth', () => {
  const log = openPlanLog();
  const scan = { 'Node Type': 'Seq Scan', 'Relation Name': 'upload' };
  const byKey = { 'Node Type': 'Index Scan', 'Relation Name': 'webhook_log', 'Index Name': 'webhook_log_pkey' };
  const lines = linesOf('select\n  1', {
    'Node Type': 'Nested Loop',
    Plans: [byKey, { 'Node Type': 'Sort', Plans: [scan] }],
  });
  for (const line of [...lines, ...lines, '2026-01-01 10:00:01.000 UTC [7] LOG:  checkpoint starting']) log.line(line);
  expect(log.plans()).toEqual([{ statement: 'select 1', indexes: ['webhook_log_pkey'], readThrough: ['upload'] }]);
});

it('leaves out what touches no growing table, and counts what another line has torn apart', () => {
  const log = openPlanLog();
  const small = linesOf('select 2', { 'Node Type': 'Seq Scan', 'Relation Name': 'signing_key' });
  const torn = linesOf('select 3', { 'Node Type': 'Seq Scan', 'Relation Name': 'upload' }).toSpliced(2, 0, 'other');
  for (const line of [...small, ...torn, HEAD]) log.line(line);
  expect(log.plans()).toEqual([]);
  expect(log.unread()).toBe(1);
});
