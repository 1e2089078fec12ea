import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { messageBody, WHATSAPP_TEST_SECRET } from '../libs/testing/whatsapp-load.ts';
import { sendWrongBody } from '../libs/testing/wrong-bodies.ts';
import { openSender, WHATSAPP_PATH } from '../apps/ingress/testing/sending.ts';
import { peakMiB, resetPeak } from './peak-memory.ts';
import { checkLines, conditionsLine, conditionsOf } from './report.ts';
import { migrateDatabase, startServer } from './servers.ts';
import { openStores } from './stores.ts';

const MARK_MIB = 64;
const WARM_UP_REQUESTS = 2_000;
const WARM_UP_CONNECTIONS = 16;

/** By how much the ingress grows while many large bodies with wrong signatures come in at the same time. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: { connections: { type: 'string', default: '200' }, rounds: { type: 'string', default: '3' } },
  });
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const conditions = conditionsOf({ postgres: stores.postgresVersion }, 'PostgreSQL: fsync and synchronous_commit on');
  const { url, ownerUrl } = await stores.database('bodies');
  const env = {
    DATABASE_URL: url,
    MIGRATE_DATABASE_URL: ownerUrl,
    DATA_DIR: stores.scratch,
    PUBLIC_URL: 'http://localhost',
    WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
    SESSION_SECRET: randomBytes(24).toString('hex'),
    CSRF_SECRET: randomBytes(24).toString('hex'),
  };
  await migrateDatabase(env);
  const { port, pid } = await startServer(stack, 'apps/ingress/main.ts', env);
  const { post, close } = openSender(WARM_UP_CONNECTIONS);
  stack.defer(close);
  const warmUp = Array.from({ length: WARM_UP_REQUESTS }, (_, n) =>
    post(`http://127.0.0.1:${port}`, messageBody(`warm-up-${n}`), WHATSAPP_TEST_SECRET),
  );
  await Promise.all(warmUp);

  const growths: number[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    resetPeak(pid);
    const before = peakMiB(pid);
    const sending = Array.from({ length: Number(values.connections) }, () => sendWrongBody(port, WHATSAPP_PATH));
    const statuses = new Set(await Promise.all(sending));
    if (statuses.size !== 1 || !statuses.has(403)) throw new Error(`answered ${[...statuses].join(', ')}`);
    growths.push(peakMiB(pid) - before);
    console.log(`round ${round + 1}: the ingress grew by ${growths.at(-1)?.toFixed(1)} MiB`);
  }
  const most = Math.max(...growths);
  const passes = most <= MARK_MIB;
  const title = `MiB for ${values.connections} bodies of 3 MB, at most ${MARK_MIB}`;
  console.log(`${conditionsLine(conditions)}\n${checkLines([{ title, value: most, passes }]).join('\n')}`);
  return passes;
}
