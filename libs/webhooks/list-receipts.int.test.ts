import type { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { insertManyReceipts } from '#testing/many-receipts.ts';
import { openTestOrm } from '#testing/orm.ts';
import { listReceipts, parseReceiptCursor, type ReceiptCursor } from '#webhooks/list-receipts.ts';
import type { ReceiptFilter } from '#webhooks/receipt-filter.ts';

const RECEIPTS = 100_000;
/** Pages of the table; a plan that reads the table reads thousands. */
const MAX_BUFFERS = 1_000;

let database: TestDatabase;
let orm: MikroORM;
const statements: string[] = [];
beforeAll(async () => {
  database = await openTestDatabase();
  await insertManyReceipts(database, RECEIPTS);
  orm = await openTestOrm(database.url, (sql) => void statements.push(sql));
}, 120_000);
afterAll(async () => {
  await orm.close(true);
  await database[Symbol.asyncDispose]();
});

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap((inner) => nodesOf(inner))];

async function plansOf(filter: ReceiptFilter, cursor?: ReceiptCursor): Promise<Plan[]> {
  statements.length = 0;
  await listReceipts(orm.em.fork(), filter, { limit: 50, cursor });
  const asked = [...statements];
  expect(asked.length).toBeGreaterThan(0);
  const plans = [];
  for (const sql of asked) {
    const { rows } = await database.pool.query(`explain (analyze, buffers, format json) ${sql}`);
    plans.push(rows[0]['QUERY PLAN'][0].Plan);
  }
  return plans;
}

const at = (n: number): Date => new Date(Date.now() - (RECEIPTS - n) * 26_000);

it.each<[string, ReceiptFilter]>([
  ['no filter', {}],
  ['a source', { source: 'shop' }],
  ['a rare source', { source: 'rare' }],
  ['a source there is not', { source: 'nobody' }],
  ['accepted', { verdict: 'accepted' }],
  ['refused', { verdict: 'refused' }],
  ['one reason', { verdict: 'refused:signature-mismatch' }],
  ['a rare verdict', { verdict: 'ping' }],
  ['a verdict there is not', { verdict: 'refused:body-empty' }],
  ['open ones', { state: 'open' }],
  ['dead ones', { state: 'dead' }],
  ['a time', { from: at(20_000), to: at(30_000) }],
  ['an event key', { eventKey: 'key-4711' }],
  ['an event key and its source', { eventKey: 'key-4712', source: 'shop' }],
  ['a text id', { textId: 'text-4711' }],
  ['a source, refused, in a time', { source: 'whatsapp', verdict: 'refused', from: at(20_000), to: at(30_000) }],
])('reads no table through for %s, on the first page and on a deep one', async (_title, filter) => {
  const first = await listReceipts(orm.em.fork(), {}, { limit: 50 });
  const deep = { receivedAt: at(10_000), id: first.items[0]!.id };
  for (const plan of [...(await plansOf(filter)), ...(await plansOf(filter, deep))]) {
    expect(nodesOf(plan).map((node) => node['Node Type'])).not.toContain('Seq Scan');
    expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(MAX_BUFFERS);
  }
});

it('shows each receipt of a filter once over all pages', async () => {
  const seen = new Set<string>();
  let cursor: ReceiptCursor | undefined;
  do {
    const page = await listReceipts(orm.em.fork(), { verdict: 'refused' }, { limit: 200, cursor });
    for (const { id } of page.items) seen.add(id);
    cursor = page.nextCursor === undefined ? undefined : parseReceiptCursor(page.nextCursor);
  } while (cursor !== undefined);
  expect(seen.size).toBe(RECEIPTS / 100);
});
