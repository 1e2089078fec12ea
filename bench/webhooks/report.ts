import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { KINDS, startContestants, type Kind } from '../contestants.ts';
import { bodyBytes } from '../delivery.ts';
import { figuresOf, type Check, type Report } from '../report.ts';
import { median } from '../statistics.ts';
import { openStores } from '../stores.ts';
import { conditionsOn } from './conditions.ts';
import { measureAcks, PATH, type Measure } from './measure.ts';

const WARM_UP_SECONDS = 1;
const CONNECTIONS = 64;

/** What an acknowledgement costs, beside all the other suites: the marks of the suite itself hold for a machine at rest. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  await using stack = new AsyncDisposableStack();
  const secret = randomBytes(24).toString('hex');
  const stores = await openStores(stack);
  const conditions = conditionsOn(stores);
  const contestants = await startContestants(stack, { stores, path: PATH, secret, withWorker: false });
  const order = { secret, connections: CONNECTIONS };
  for (const kind of KINDS) await measureAcks(contestants[kind], { ...order, seconds: WARM_UP_SECONDS });
  const measures: Record<Kind, Measure[]> = {
    verifyOnly: [],
    naive: [],
    insertAndAdd: [],
    onRedis: [],
    onPostgres: [],
  };
  for (let round = 1; round <= rounds; round += 1) {
    for (const kind of KINDS) measures[kind].push(await measureAcks(contestants[kind], { ...order, seconds }));
    const last = KINDS.map((kind) => measures[kind].at(-1)?.perSecond.toFixed(0)).join(', ');
    console.log(`round ${round} of ${rounds}: ${last} requests/s`);
  }
  const figures = figuresOf(
    'receiver',
    KINDS.map((kind) => contestants[kind].name),
    KINDS.map((kind) => measures[kind]),
    [
      ['requests/s', (one) => one.perSecond, 0],
      ['p50 ms', (one) => one.p50, 1],
      ['p99 ms', (one) => one.p99, 1],
      ['CPU-s per 1,000', (one) => one.cpuPer1000, 3],
      ['generator busy %', (one) => one.busy * 100, 0],
    ],
  );
  const ratios = (['onRedis', 'onPostgres'] as const).flatMap((ours) =>
    (['verifyOnly', 'naive', 'insertAndAdd'] as const).map((other): Check => ({
      title: `acknowledged, ${contestants[ours].name}, x ${contestants[other].name}`,
      value: median(
        measures[ours].map(({ perSecond }, round) => perSecond / (measures[other][round]?.perSecond ?? Number.NaN)),
      ),
      passes: true,
      isRatio: true,
    })),
  );
  const load = { connections: CONNECTIONS, bodyBytes, seconds, rounds };
  return { suite: 'webhooks', conditions, load, figures: [figures], checks: ratios, passes: true };
}
