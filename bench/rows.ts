import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { record } from './record.ts';
import { checkLines, conditionsLine, type Check } from './report.ts';
import { ackRounds, burstRounds, forgetOpen, visitRounds } from './rows/costs.ts';
import { openPlace, type Place } from './rows/place.ts';
import { openPlanLog } from './rows/plan-log.ts';
import { explainAll, readsThrough } from './rows/plans.ts';
import { sweepCosts, type SweepCost } from './rows/sweep-costs.ts';
import { measureDrain, measureWaiting } from './rows/waiting.ts';
import { median, table } from './statistics.ts';
import { openStores, type Stores } from './stores.ts';
import { conditionsOn } from './webhooks/conditions.ts';

const MARKS = { ack: 1.2, waitingBytes: 1_024 };
const WORKERS = [1, 2, 4];
/** Of Redis. */
const LAST_DATABASE = 15;

interface Order {
  secret: string;
  rounds: number;
  seconds: number;
  messages: number;
  waiting: number;
}

/** What the hot paths cost with ever more rows in the tables, and what a waiting webhook costs Redis. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      sizes: { type: 'string', default: '0,10000,1000000,5000000' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1.5' },
      messages: { type: 'string', default: '3000' },
      waiting: { type: 'string', default: '100000' },
      curves: { type: 'boolean', default: true },
      record: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  const order: Order = {
    secret: randomBytes(24).toString('hex'),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    messages: Number(values.messages),
    waiting: Number(values.waiting),
  };
  const sizes = values.sizes.split(',').map(Number);
  await using stack = new AsyncDisposableStack();
  const log = openPlanLog();
  const stores = await openStores(stack, 'everysec', (line) => log.line(line));
  const conditions = conditionsOn(stores);
  const places: Place[] = [];
  for (const [index, size] of sizes.entries()) {
    const tables = values.curves ? {} : { tables: ['webhook_log'] as const };
    places.push(await openPlace(stack, { stores, secret: order.secret, size, redis: index + 1, ...tables }));
  }
  const acks = await acksOf(places, order);
  const memory = await memoryOf(places, stores, order, values.curves);
  const curves = values.curves
    ? await curvesOf(
        places.filter(({ size }) => size > 0),
        stores,
        order,
        log,
      )
    : undefined;
  const sections = [acks, memory, ...(curves === undefined ? [] : [curves])];
  const checks = sections.flatMap((section) => section.checks);
  const text = [
    ...sections.map((section) => section.text),
    checkLines(checks)
      .map((line) => `- ${line}`)
      .join('\n'),
  ].join('\n\n');
  console.log(`\n${text}\n`);
  if (values.record) {
    const { secret: _secret, ...load } = order;
    const figures = sections.map((section) => section.figures);
    record('rows', { ...conditions, load, sizes, figures }, `${text}\n\n${conditionsLine(conditions)}`);
  }
  return checks.every(({ passes }) => passes);
}

interface Section {
  text: string;
  checks: Check[];
  figures: unknown;
}

async function acksOf(places: readonly Place[], order: Order): Promise<Section> {
  const acks = await ackRounds(places, order);
  const ratioOf = (index: number): number =>
    median((acks[index] ?? []).map(({ p50 }, round) => p50 / (acks[0]?.[round]?.p50 ?? Number.NaN)));
  const rows = places.map(({ size }, index) => {
    const of = (pick: (ack: { perSecond: number; p50: number; p99: number; cpuPer1000: number }) => number): number =>
      median((acks[index] ?? []).map(pick));
    return [
      count(size),
      of((ack) => ack.perSecond).toFixed(0),
      of((ack) => ack.p50).toFixed(1),
      ratioOf(index).toFixed(2),
      of((ack) => ack.p99).toFixed(1),
      of((ack) => ack.cpuPer1000).toFixed(3),
    ];
  });
  const [smallest, largest] = [places[0]?.size ?? 0, places.at(-1)?.size ?? 0];
  const ratio = ratioOf(places.length - 1);
  const head = ['receipts', 'acknowledged/s', 'p50 ms', `x ${count(smallest)}`, 'p99 ms', 'CPU-s per 1,000'];
  return {
    text: table(head, rows),
    checks: [
      {
        title: `median acknowledgement with ${count(largest)} receipts, x ${count(smallest)} (<= ${MARKS.ack})`,
        value: ratio,
        passes: ratio <= MARKS.ack,
      },
    ],
    figures: acks,
  };
}

async function memoryOf(
  places: readonly Place[],
  stores: Stores,
  { secret, waiting }: Order,
  isDrained: boolean,
): Promise<Section> {
  const place = places.at(-1);
  if (place === undefined) throw new Error('there is no size to measure');
  const aloneUrl = stores.redis(LAST_DATABASE);
  const memory = await measureWaiting(place, { secret, waiting, aloneUrl });
  const perSecond = isDrained ? await measureDrain(place, waiting) : undefined;
  await forgetOpen(place);
  const check = (title: string, value: number): Check => ({ title, value, passes: value <= MARKS.waitingBytes });
  return {
    text: table(
      ['waiting', 'jobs', 'bytes of Redis for each', 'worked off/s by one worker'],
      [
        [
          `${count(waiting)} as they came, ${count(place.size)} receipts`,
          count(memory.jobs),
          memory.bytesEach.toFixed(0),
          perSecond?.toFixed(0) ?? '',
        ],
        ['each with a job of its own', '', memory.bytesAlone.toFixed(0), ''],
      ],
    ),
    checks: [
      check(`bytes of Redis for a waiting webhook (<= ${MARKS.waitingBytes})`, memory.bytesEach),
      check(`the same, alone in its job (<= ${MARKS.waitingBytes})`, memory.bytesAlone),
    ],
    figures: { ...memory, workedOffPerSecond: perSecond },
  };
}

async function curvesOf(
  places: readonly Place[],
  stores: Stores,
  order: Order,
  log: ReturnType<typeof openPlanLog>,
): Promise<Section> {
  const largest = places.at(-1);
  if (largest === undefined) throw new Error('there is no size to measure');
  const before = await readsThrough(largest.pool);
  const refreshes = await visitRounds(places, 'refreshes', order);
  const polls = await visitRounds(places, 'polls', order);
  const sweeps: SweepCost[][] = [];
  for (const { urls } of places) sweeps.push(await sweepCosts(urls.url, stores));
  const bursts: Awaited<ReturnType<typeof burstRounds>>[] = [];
  for (const workers of WORKERS) bursts.push(await burstRounds(places, { ...order, workers }));
  const after = await readsThrough(largest.pool);
  const times = [...after].map(([name, total]) => ({ name, times: total - (before.get(name) ?? 0) }));
  const through = times.reduce((sum, one) => sum + one.times, 0);
  const tables = times.filter((one) => one.times > 0).map((one) => `${one.name} ${one.times}`);
  {
    await using stack = new AsyncDisposableStack();
    const workers = await largest.startWorkers(stack, 1);
    await explainAll(largest, { secret: order.secret, workers, stores });
  }
  const plans = log.plans();
  const head = ['', ...places.map(({ size }) => `${count(size)} rows`)];
  const line = (title: string, cellOf: (index: number) => string): string[] => [
    title,
    ...places.map((_, index) => cellOf(index)),
  ];
  const medianOf = <M>(rounds: M[] | undefined, pick: (one: M) => number): number => median((rounds ?? []).map(pick));
  const rows = [
    line('a refresh, CPU-ms', (index) => medianOf(refreshes[index], (one) => one.cpuPer1000).toFixed(3)),
    line('a refresh, p50 ms', (index) => medianOf(refreshes[index], (one) => one.p50).toFixed(1)),
    line('a status poll, CPU-ms', (index) => medianOf(polls[index], (one) => one.cpuPer1000).toFixed(3)),
    line('a status poll, p50 ms', (index) => medianOf(polls[index], (one) => one.p50).toFixed(1)),
    ...(sweeps[0] ?? []).flatMap(({ name }, which) => [
      line(`sweep of ${name}, CPU-ms for each row`, (index) => sweeps[index]?.[which]?.cpuPer1000?.toFixed(3) ?? ''),
      line(`sweep of ${name}, nothing due, ms`, (index) => (sweeps[index]?.[which]?.idleMs ?? Number.NaN).toFixed(0)),
    ]),
    ...WORKERS.flatMap((workers, which) => {
      const title = `a webhook to its effect, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
      return [
        line(`${title}, CPU-ms`, (index) => medianOf(bursts[which]?.[index], (one) => one.cpuPer1000).toFixed(2)),
        line(`${title}, events/s`, (index) =>
          medianOf(bursts[which]?.[index], (one) => one.effectsPerSecond).toFixed(0),
        ),
      ];
    }),
  ];
  const read = plans.filter(({ readThrough }) => readThrough.length > 0);
  return {
    text: [
      table(head, rows),
      `How PostgreSQL ran every statement on a growing table, with ${count(largest.size)} rows in each${log.unread() === 0 ? '' : ` (${log.unread()} plans could not be read)`}:`,
      [
        '| statement | indexes | read through |',
        '| --- | --- | --- |',
        ...plans.map(
          ({ statement, indexes, readThrough }) =>
            `| \`${statement.replaceAll('|', '\\|')}\` | ${indexes.join(', ')} | ${readThrough.join(', ')} |`,
        ),
      ].join('\n'),
    ].join('\n\n'),
    checks: [
      { title: 'statements that read a growing table through (0)', value: read.length, passes: read.length === 0 },
      {
        title: `times that a growing table was read through in the whole run (0)${tables.length === 0 ? '' : `: ${tables.join(', ')}`}`,
        value: through,
        passes: through === 0,
      },
    ],
    figures: { refreshes, polls, sweeps, bursts, plans, times },
  };
}

const count = (value: number): string => value.toLocaleString('en');
