import { parseArgs } from 'node:util';
import { record } from '#audit/record.ts';
import { databaseSettings, openPool } from '#database/pool.ts';
import { environment, readConfig } from '#runtime/config.ts';
import { isFailure } from '#runtime/failure.ts';
import { erasePerson } from '#webhooks/erase/erase-person.ts';
import { maskSubject } from '#webhooks/mask.ts';
import { parseSubject } from '#webhooks/subject.ts';
import { findRunningSystem } from './running-system.ts';
import { runTool, say } from './run-tool.ts';
import { UsageError } from './usage-error.ts';

const USAGE = `npm run erase -- --subject phone:491701234567 [--source shop] [--dry-run]
  empties everything that is kept about a person; exits 1 if some of it can't be erased yet

  --subject …   phone:<number>, email:<address>, user:<id>, or customer:<id> with its --source
  --source …    only what this source sent
  --dry-run     changes nothing and says how much there is`;

/** Reading all bodies of a large table takes long; one page of them does not. */
const STATEMENT_LIMIT_MS = 120_000;

await runTool(USAGE, async () => {
  const { values } = parseArgs({
    options: {
      subject: { type: 'string' },
      source: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const subject = parseSubject(values.subject ?? '');
  if (subject === undefined) throw new UsageError('--subject is phone:…, email:…, user:… or customer:…');
  const { source, 'dry-run': dryRun } = values;
  if (subject.startsWith('customer:') && source === undefined) {
    throw new UsageError('customers have the same numbers in every shop: name the --source');
  }
  const { DATABASE_URL } = readConfig({ ...databaseSettings }, findRunningSystem(environment()).env);
  const pool = openPool(DATABASE_URL, {
    name: 'erase-tool',
    max: 1,
    statementMs: STATEMENT_LIMIT_MS,
    onError: () => undefined,
  });
  try {
    const erasure = await erasePerson({ pool, record }, { subject, source, dryRun });
    say(`known as ${erasure.subjects.map((each) => maskSubject(each)).join(', ')}`);
    const { events, receipts, messageStatuses, openReceipts } = erasure;
    say(
      `${dryRun ? 'to be erased' : 'erased'}: ${events} events, ${receipts} receipts, ${messageStatuses} message statuses`,
    );
    if (openReceipts > 0) say(`not yet: ${openReceipts} receipts are still to be processed; run this again`);
    return openReceipts === 0;
  } catch (error) {
    if (!isFailure(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return false;
  } finally {
    await pool.end();
  }
});
