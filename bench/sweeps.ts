import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openPool, type Queryable } from '../libs/database/pool.ts';
import { insertPastReceipts } from '../libs/testing/past-receipts.ts';
import { runAs } from '../libs/testing/database-template.ts';
import { sweepReceipts } from '../libs/webhooks/sweep-receipts.ts';
import { checkLines, conditionsLine, conditionsOf } from './report.ts';
import { migrateDatabase } from './servers.ts';
import { openStores } from './stores.ts';

const MARK_MS = 100;
const LARGE_BYTES = 512 * 1024;
const WRITER_REST_MS = 5;

/** How long one statement of the sweep holds its locks, and somebody waits who writes to the same rows. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: { receipts: { type: 'string', default: '200000' }, large: { type: 'string', default: '1000' } },
  });
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const conditions = conditionsOf({ postgres: stores.postgresVersion }, 'PostgreSQL: fsync and synchronous_commit on');
  const { url, ownerUrl } = await stores.database('sweeps');
  await migrateDatabase({ DATABASE_URL: url, MIGRATE_DATABASE_URL: ownerUrl });
  const pool = stack.adopt(
    openPool(url, { name: 'bench', max: 4, statementMs: 300_000, onError: () => undefined }),
    (opened) => opened.end(),
  );
  await insertPastReceipts(pool, { daysOld: 31, count: Number(values.receipts) });
  await insertPastReceipts(pool, {
    daysOld: 32,
    count: Number(values.large),
    bodyBytes: LARGE_BYTES,
    source: 'large',
  });
  await runAs(ownerUrl, 'analyze webhook_log, webhook_event, webhook_effect, message_status');

  const statements: number[] = [];
  const timed: Queryable = {
    query: (async (text: string, given: unknown[]) => {
      const startedAt = performance.now();
      const result = await pool.query(text, given);
      statements.push(performance.now() - startedAt);
      return result;
    }) as unknown as Queryable['query'],
  };
  const waits: number[] = [];
  const over = new AbortController();
  const writer = (async () => {
    while (!over.signal.aborted) {
      const startedAt = performance.now();
      await pool.query(
        `update webhook_log set duplicates = duplicates + 1
         where id = (select id from webhook_log where source = 'shop' order by received_at limit 1)`,
      );
      waits.push(performance.now() - startedAt);
      await sleep(WRITER_REST_MS);
    }
  })();
  const beganAt = performance.now();
  const removed = await sweepReceipts(timed, () => 30, over.signal);
  const seconds = (performance.now() - beganAt) / 1_000;
  over.abort();
  await writer;

  console.log(`${removed} rows in ${seconds.toFixed(1)} s by ${statements.length} statements`);
  const checks = [
    { title: `ms of the longest statement, at most ${MARK_MS}`, value: Math.max(...statements) },
    { title: `ms of a writer's longest wait, at most ${MARK_MS}`, value: Math.max(...waits) },
  ].map((check) => ({ ...check, passes: check.value <= MARK_MS }));
  console.log(`${conditionsLine(conditions)}\n${checkLines(checks).join('\n')}`);
  return checks.every(({ passes }) => passes);
}
