import { parseArgs } from 'node:util';
import { messageBody, WHATSAPP_TEST_SECRET } from '../libs/testing/whatsapp-load.ts';
import { sendWrongBody } from '../libs/testing/wrong-bodies.ts';
import { openSender, WHATSAPP_PATH } from '../apps/ingress/testing/sending.ts';
import { startBareIngress } from './bare-ingress.ts';
import { atMost, conclude } from './conclude.ts';
import { peakMiB, resetPeak } from './peak-memory.ts';
import { conditionsOf, figuresOf, type Report } from './report.ts';
import { openStores } from './stores.ts';

const MARK_MIB = 64;
const WARM_UP_REQUESTS = 2_000;
const WARM_UP_CONNECTIONS = 16;

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** By how much the ingress grows while many large bodies with wrong signatures come in at the same time. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: {
      record: { type: 'boolean', default: false },
      connections: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const [connections, rounds] = [Number(values.connections), Number(values.rounds)];
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const conditions = conditionsOf({ postgres: stores.postgresVersion }, 'PostgreSQL: fsync and synchronous_commit on');
  const { port, pid } = await startBareIngress(stack, stores, 'bodies');
  const { post, close } = openSender(WARM_UP_CONNECTIONS);
  stack.defer(close);
  const warmUp = Array.from({ length: WARM_UP_REQUESTS }, (_, n) =>
    post(`http://127.0.0.1:${port}`, messageBody(`warm-up-${n}`), WHATSAPP_TEST_SECRET),
  );
  await Promise.all(warmUp);

  const growths: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    resetPeak(pid);
    const before = peakMiB(pid);
    const sending = Array.from({ length: connections }, () => sendWrongBody(port, WHATSAPP_PATH));
    const statuses = new Set(await Promise.all(sending));
    if (statuses.size !== 1 || !statuses.has(403)) throw new Error(`answered ${[...statuses].join(', ')}`);
    growths.push(peakMiB(pid) - before);
    console.log(`round ${round} of ${rounds}: the ingress grew by ${growths.at(-1)?.toFixed(1)} MiB`);
  }
  const figures = figuresOf(
    'bodies of 3 MB at once',
    [`${connections} with wrong signatures`],
    [growths],
    [['MiB that the ingress grew by', (growth) => growth, 1]],
  );
  delete figures.charted;
  const checks = [
    atMost(
      `MiB by which the ingress grew with ${connections} x 3 MB at once, the worst round`,
      Math.max(...growths),
      MARK_MIB,
    ),
  ];
  const load = { connections, rounds };
  return conclude(
    { suite: 'bodies', conditions, load, figures: [figures], checks },
    values.record ? { growths } : undefined,
  );
}
