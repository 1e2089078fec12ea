import { randomBytes } from 'node:crypto';
import { KINDS, startContestants, type Kind } from '../contestants.ts';
import { bodySizes } from '../delivery.ts';
import { record } from '../record.ts';
import { conditionsLine } from '../report.ts';
import { median, table } from '../statistics.ts';
import { openStores } from '../stores.ts';
import { conditionsOn } from './conditions.ts';
import { measureAcks, PATH, type Measure } from './measure.ts';

const CONNECTIONS = [1, 64, 200];
const SIZES = [bodySizes.message, bodySizes.batch, bodySizes.largest];
const WARM_UP_SECONDS = 1;

interface Cell {
  size: (typeof SIZES)[number];
  connections: number;
  measures: Record<Kind, Measure[]>;
}

/** The receivers at every number of connections and size of body; in each round all receivers are met in each cell. */
export async function measureMatrix(options: { rounds: number; seconds: number; record: boolean }): Promise<void> {
  const { rounds, seconds } = options;
  await using stack = new AsyncDisposableStack();
  const secret = randomBytes(24).toString('hex');
  const stores = await openStores(stack);
  const conditions = conditionsOn(stores);
  const contestants = await startContestants(stack, { stores, path: PATH, secret, withWorker: false });
  for (const kind of KINDS) {
    await measureAcks(contestants[kind], { secret, connections: 64, seconds: WARM_UP_SECONDS });
  }
  const order = { secret, seconds, mayRefuse: true };
  const cells = SIZES.flatMap((size) =>
    CONNECTIONS.map((connections) => ({ size, connections, measures: noMeasures() })),
  );
  for (let round = 1; round <= rounds; round += 1) {
    for (const { size, connections, measures } of cells) {
      for (const kind of KINDS) {
        measures[kind].push(await measureAcks(contestants[kind], { ...order, connections, size }));
      }
      const last = KINDS.map((kind) => measures[kind].at(-1)?.perSecond.toFixed(0)).join(', ');
      console.log(`round ${round} of ${rounds}: ${size.name}, ${connections} connections: ${last} requests/s`);
    }
  }
  const names = Object.fromEntries(KINDS.map((kind) => [kind, contestants[kind].name])) as Record<Kind, string>;
  const text = SIZES.map(({ name }) =>
    tableOf(
      name,
      cells.filter(({ size }) => size.name === name),
      names,
    ),
  ).join('\n\n');
  console.log(`\n${text}\n`);
  if (!options.record) return;
  const load = { connections: CONNECTIONS, sizes: SIZES, rounds, seconds };
  const others = Math.max(
    ...cells.flatMap(({ measures }) => Object.values(measures).flat()).map((one) => one.othersBusy),
  );
  record(
    'webhooks-matrix',
    { ...conditions, load, results: cells },
    [
      text,
      '',
      `${rounds} rounds of ${seconds} s; other work took up to ${Math.min(100, others * 100).toFixed(0)} % of the machine. ${conditionsLine(conditions)}`,
    ].join('\n'),
  );
}

const noMeasures = (): Record<Kind, Measure[]> => ({
  verifyOnly: [],
  naive: [],
  insertAndAdd: [],
  onRedis: [],
  onPostgres: [],
});

function tableOf(size: string, cells: readonly Cell[], names: Record<Kind, string>): string {
  const rows = KINDS.map((kind) => [
    names[kind],
    ...cells.flatMap(({ measures }) => {
      const of = (pick: (measure: Measure) => number): number => median(measures[kind].map(pick));
      const refused = Math.max(...measures[kind].map((one) => one.refused));
      const [p50, p99] = [of((one) => one.p50), of((one) => one.p99)];
      return [
        `${figure(of((one) => one.perSecond))}${refused === 0 ? '' : ` (${(refused * 100).toFixed(0)} % refused)`}`,
        `${figure(p50)} / ${figure(p99)}`,
        of((one) => one.cpuPer1000).toPrecision(2),
      ];
    }),
  ]);
  const head = cells.flatMap(({ connections }) => [`requests/s at ${connections}`, 'p50 / p99 ms', 'CPU-s per 1,000']);
  return table([`${size}, connections`, ...head], rows);
}

/** Three digits that count. */
const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(2));
