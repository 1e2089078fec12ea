import { parseArgs } from 'node:util';
import { sweepAccess } from '../libs/access/sweep-access.ts';
import { openPool } from '../libs/database/pool.ts';
import { runAs } from '../libs/testing/database-template.ts';
import { insertPastReceipts } from '../libs/testing/past-receipts.ts';
import { sweepReceipts } from '../libs/webhooks/sweep-receipts.ts';
import { atMost, conclude } from './conclude.ts';
import { conditionsOf, figuresOf, type Report } from './report.ts';
import { fillTables } from './rows/fill.ts';
import { migrateDatabase } from './servers.ts';
import { openStores } from './stores.ts';
import { timeSweep, type SweepTimes, type Write } from './sweeps/time-sweep.ts';

const MARK_MS = 100;
const LARGE_BYTES = 512 * 1024;
const RETENTION_DAYS = 30;
const SHOWN = 50;
const WRITES: Record<'receipt' | 'session', Write> = {
  receipt: {
    next: 'select id from webhook_log where source = $$shop$$ order by received_at limit 1',
    write: 'update webhook_log set duplicates = duplicates + 1 where id = $1',
  },
  session: {
    next: 'select session_id as id from refresh_token order by absolute_expires_at limit 1',
    write: 'update user_session set device_label = device_label where id = $1',
  },
};

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** How long one statement of a sweep holds its locks, and somebody waits who writes to the same rows. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: {
      record: { type: 'boolean', default: false },
      receipts: { type: 'string', default: '200000' },
      large: { type: 'string', default: '1000' },
      sessions: { type: 'string', default: '1000000' },
    },
  });
  const load = { receipts: Number(values.receipts), large: Number(values.large), sessions: Number(values.sessions) };
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const conditions = conditionsOf({ postgres: stores.postgresVersion }, 'PostgreSQL: fsync and synchronous_commit on');
  const { url, ownerUrl, superuserUrl } = await stores.database('sweeps');
  await migrateDatabase({ DATABASE_URL: url, MIGRATE_DATABASE_URL: ownerUrl });
  const pool = stack.adopt(
    openPool(url, { name: 'bench', max: 4, statementMs: 300_000, onError: () => undefined }),
    (opened) => opened.end(),
  );
  await insertPastReceipts(pool, { daysOld: 31, count: load.receipts });
  await insertPastReceipts(pool, { daysOld: 32, count: load.large, bodyBytes: LARGE_BYTES, source: 'large' });
  await runAs(ownerUrl, 'analyze webhook_log, webhook_event, webhook_effect, message_status');
  await fillTables(superuserUrl, { size: 0, due: load.sessions, tables: ['user_session', 'refresh_token'] });

  const sweeps = [
    await timeSweep(pool, (client, signal) => sweepReceipts(client, () => RETENTION_DAYS, signal), WRITES.receipt),
    await timeSweep(pool, sweepAccess, WRITES.session),
  ];
  const names = ['receipts, with their events, effects and statuses', 'sessions, each with its refresh token'];
  const figures = figuresOf(
    'past their time',
    names,
    sweeps.map((times) => [times]),
    [
      ['rows removed', ({ rows }) => rows, 0],
      ['seconds', ({ took }) => took / 1_000, 1],
      ['statements', ({ statements }) => statements.length, 0],
      ['longest statement, ms', ({ statements }) => Math.max(...statements), 1],
      ["a writer's longest wait, ms", ({ waits }) => Math.max(...waits), 1],
    ],
  );
  delete figures.charted;
  const checks = sweeps.flatMap(({ statements, waits }, index) => [
    atMost(`longest statement in ms, ${names[index]}`, Math.max(...statements), MARK_MS),
    atMost(`a writer's longest wait in ms, ${names[index]}`, Math.max(...waits), MARK_MS),
  ]);
  return conclude(
    { suite: 'sweeps', conditions, load, figures: [figures], checks },
    values.record ? { sweeps: sweeps.map(shortened) } : undefined,
  );
}

/** A million rows are thousands of statements: the slowest are what a reader asks for. */
function shortened({ rows, took, statements, waits }: SweepTimes) {
  const slowest = (times: readonly number[]): number[] => times.toSorted((a, b) => b - a).slice(0, SHOWN);
  return { rows, took, statements: statements.length, slowest: slowest(statements), slowestWaits: slowest(waits) };
}
