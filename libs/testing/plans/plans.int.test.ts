import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openPool } from '#database/pool.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { insertManyRows } from '#testing/plans/many-rows.ts';
import { askAsPeople, sendWebhooks } from '#testing/plans/people-scenario.ts';
import { plansOf, readingCost } from '#testing/plans/plan-of.ts';
import { recordStatements, type Statement } from '#testing/plans/record-statements.ts';
import { boundedTables, growingTables } from '#testing/plans/tables.ts';
import { openWorkerParts, workAsWorkers, workOffReceipts } from '#testing/plans/worker-scenario.ts';
import { sourceFiles } from '#testing/source-files.ts';
import { WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import { startIngress } from '../../../apps/ingress/testing/start-ingress.ts';

/** A table with fewer rows is rightly read through, as a month of security events is that has only begun. */
const SMALL_ROWS = 1_000;
/** What costs more than this share of reading one of its tables through does so in effect. */
const MOST = 0.6;
/** Statements that mean every row, by file or name. */
const READ_ALL: Record<string, string> = {
  'libs/access/first-admin.ts': 'any row will do',
  'libs/uploads/stored-names.ts': 'a backup wants every file',
  'audit-rows': 'the events of so many seals, for their hashes',
};
/** What this test has no occasion for, and why that is safe. */
const NOT_ASKED: Record<string, string> = {
  'libs/access/import-users.ts': 'only inserts',
  'libs/webhooks/spool/drain.ts': 'looks for ids, and only after an outage',
  'upload-renew': 'by id, and only of a scan that takes 5 s',
  'events-renew': 'by ids that were claimed, and only of handlers that take 2 s',
  'receipts-known': 'looks for ids, and only after an outage',
};

let database: TestDatabase;
let statements: Statement[];
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  database = stack.use(await openTestDatabase());
  await insertManyRows(database);
  const dataDir = mkdtempSync(join(inject('services').scratch, 'plans-'));
  const pool = stack.adopt(openPool(database.url, { name: 'plans', max: 4, onError: () => undefined }), (opened) =>
    opened.end(),
  );
  const recorded = recordStatements();
  stack.defer(() => recorded.stop());
  const ingress = await startIngress({
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    TRUST_PROXY: '127.0.0.1/32',
    WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
  });
  try {
    const parts = await openWorkerParts({ pool, storage: stack.use(await openLocalStorage(dataDir)), stack });
    await sendWebhooks(ingress.origin);
    await workOffReceipts(parts);
    await askAsPeople({ database, origin: ingress.origin });
    await workAsWorkers(parts);
  } finally {
    await ingress[Symbol.asyncDispose]();
    recorded.stop();
  }
  statements = recorded.statements();
}, 300_000);
afterAll(() => stack.disposeAsync());

const naming = new RegExp(String.raw`\b(?:from|join|update|into)\s+(?:${growingTables.join('|')})\b`);

it('knows of each table whether it grows', async () => {
  const { rows } = await database.pool.query<{ name: string }>(`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname`);
  expect(rows.map(({ name }) => name)).toEqual([...growingTables, ...Object.keys(boundedTables)].toSorted());
});

it('has asked everything that the code asks of a table that grows', () => {
  const asking = sourceFiles('{libs,apps}/**/*.ts').filter(
    ({ path, text }) => naming.test(text) && !/migrations\/|^apps\/standalone\/demo/.test(path),
  );
  const asked = new Set(statements.flatMap(({ files }) => [...files]));
  const unasked = asking.map(({ path }) => path).filter((path) => !asked.has(path));
  expect(
    unasked.filter((path) => NOT_ASKED[path] === undefined),
    'let a scenario beside this test do it',
  ).toEqual([]);

  const named = asking.flatMap(({ text }) => [...text.matchAll(/name: '([a-z]+(?:-[a-z]+)+)',\n? *text/g)]);
  const seen = new Set(statements.map(({ name }) => name));
  const unseen = named.map(([, name = '']) => name).filter((name) => !seen.has(name));
  expect(named.length).toBeGreaterThan(30);
  expect(unseen.filter((name) => NOT_ASKED[name] === undefined)).toEqual([]);
});

it('finds what a worker was given by its ids, however much else is open', async () => {
  const given = statements.filter(({ name }) =>
    ['receipts-open', 'receipts-close', 'receipt-attempt', 'events-claim', 'events-settle'].includes(name),
  );
  expect(given.length).toBeGreaterThanOrEqual(5);
  for (const { text } of given) {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${text}`);
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toMatch(/webhook_(?:log|event)_due/);
  }
});

it('sweeps a source by way of its own rows, however old those of others are', async () => {
  const sweeping = statements.filter(({ text }) => text.includes('delete from webhook_log'));
  expect(sweeping.length).toBeGreaterThan(0);
  for (const { text, values } of sweeping) {
    for (const [explain, given] of [
      ['explain', values],
      ['explain (generic_plan)', []],
    ] as const) {
      const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`${explain} ${text}`, [...given]);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain('webhook_log_by_source');
      expect(plan).not.toContain('webhook_log_recent');
    }
  }
});

it('reads no table through that grows, by a scan or by way of an index', async () => {
  const { rows } = await database.pool.query<{ name: string; pages: number; rows: number }>(
    "select relname as name, relpages as pages, reltuples as rows from pg_class where relnamespace = 'public'::regnamespace",
  );
  const large = new Map(
    rows
      .filter((table) => table.rows >= SMALL_ROWS && growingTables.some((name) => table.name.startsWith(name)))
      .map((table) => [table.name, readingCost(table)]),
  );
  expect(large.size).toBeGreaterThanOrEqual(growingTables.length);
  const asking = statements.filter(
    ({ name, text, files }) =>
      /^\s*(?:with|select|insert|update|delete)\b/i.test(text) &&
      files.size > 0 &&
      ![name, ...files].some((key) => READ_ALL[key] !== undefined),
  );
  expect(asking.length).toBeGreaterThan(150);
  const client = await database.pool.connect();
  const faults: string[] = [];
  try {
    for (const statement of asking) {
      const plans = await plansOf(client, statement).catch((error: unknown) => {
        throw new Error(`no plan for ${statement.text}`, { cause: error });
      });
      for (const { cost, tables, scanned } of plans) {
        const through = tables.filter(
          (table) => large.has(table) && (scanned.includes(table) || cost > MOST * (large.get(table) ?? 0)),
        );
        if (through.length > 0)
          faults.push(`${through.join()} : ${[...statement.files].join()}: ${statement.text.trim()}`);
      }
    }
  } finally {
    client.release();
  }
  expect(faults).toEqual([]);
});
