import { parseArgs } from 'node:util';
import { startContestants, type Contestant } from './access/contestants.ts';
import { floodOnce, type FloodRound } from './access/flood.ts';
import { measure, type Measure } from './access/measure.ts';
import { timeEnds } from './access/time-ends.ts';
import { putInDocument } from './record.ts';
import { checkLines, conditionsLine, conditionsOf, versionsOf, writeResults, type Check } from './report.ts';
import { median, table } from './statistics.ts';
import { openStores } from './stores.ts';

const MARKS = { plain: 0.75, betterAuth: 2, refresh: 1.5, flood: 2, endedMs: 1_000 };
const WARM_UP_SECONDS = 1;
const PEERS = ['better-auth', 'express-session', 'connect-redis', 'express', 'pg'];

/** What it costs to know who calls, and how soon an ended session is over. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      record: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '2.5' },
      connections: { type: 'string', default: '32' },
      'flood-rounds': { type: 'string', default: '5' },
      ends: { type: 'string', default: '20' },
      redis: { type: 'boolean', default: false },
    },
  });
  const [rounds, seconds, sessions] = [Number(values.rounds), Number(values.seconds), Number(values.connections)];
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const conditions = conditionsOf(
    { postgres: stores.postgresVersion, redis: stores.redisVersion, ...versionsOf(...PEERS) },
    'PostgreSQL: fsync and synchronous_commit on; Redis: append-only file, synced every second',
  );
  const { read, refresh, ours } = await startContestants(stack, { stores, sessions, onRedis: values.redis });

  const reads = await interleaved('read', read, rounds, seconds);
  const refreshes = await interleaved('refresh', refresh, rounds, seconds);
  const floods: FloodRound[] = [];
  const other = read[1]?.clients[0];
  if (other === undefined) throw new Error('nobody is signed in');
  for (let round = 1; round <= Number(values['flood-rounds']); round += 1) {
    const flood = await floodOnce(ours.ports[0], other, seconds);
    floods.push(flood);
    console.log(`flood ${round}: p99 ${flood.idleP99.toFixed(1)} ms idle, ${flood.floodedP99.toFixed(1)} ms flooded`);
  }
  const [person] = ours.people;
  const ends = person === undefined ? [] : await timeEnds(ours.ports, person, Number(values.ends));

  const ratios = ratiosOf(reads, refreshes, floods);
  const endedMs = { median: median(ends), worst: Math.max(...ends) };
  writeResults('access', {
    ...conditions,
    load: { sessions, seconds, rounds, queue: values.redis ? 'Redis' : 'PostgreSQL' },
    read: read.map(({ name }, index) => ({ name, rounds: reads[index] })),
    refresh: refresh.map(({ name }, index) => ({ name, rounds: refreshes[index] })),
    floods,
    ends,
    ratios,
    endedMs,
  });
  const rows: [title: string, value: number, passes: boolean][] = [
    [
      `authenticated GET, x without authentication (>= ${MARKS.plain})`,
      ratios.readToPlain,
      ratios.readToPlain >= MARKS.plain,
    ],
    [
      `authenticated GET, x better-auth (>= ${MARKS.betterAuth})`,
      ratios.readToBetterAuth,
      ratios.readToBetterAuth >= MARKS.betterAuth,
    ],
    [
      `refresh, x better-auth (>= ${MARKS.refresh})`,
      ratios.refreshToBetterAuth,
      ratios.refreshToBetterAuth >= MARKS.refresh,
    ],
    [
      `p99 of other routes under a flood of sign-ins, x idle (<= ${MARKS.flood})`,
      ratios.floodToIdle,
      ratios.floodToIdle <= MARKS.flood,
    ],
    [
      `worst milliseconds until an ended session is refused (<= ${MARKS.endedMs})`,
      endedMs.worst,
      endedMs.worst <= MARKS.endedMs,
    ],
  ];
  const checks = rows.map(([title, value, passes]): Check => ({ title, value, passes }));
  const text = [
    summaryOf({ read, refresh, reads, refreshes, floods }),
    '',
    ...checkLines(checks).map((line) => `- ${line}`),
  ].join('\n');
  console.log(`\n${text}\n`);
  if (values.record) putInDocument('access', `${text}\n\n${conditionsLine(conditions)}`);
  return checks.every(({ passes }) => passes);
}

/** Every contestant once a round. */
async function interleaved(
  title: string,
  contestants: readonly Contestant[],
  rounds: number,
  seconds: number,
): Promise<Measure[][]> {
  for (const contestant of contestants) await measure(contestant, WARM_UP_SECONDS);
  const measures: Measure[][] = contestants.map(() => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      measures[index]?.push(await measure(contestant, seconds));
    }
    const last = measures.map((rows) => rows.at(-1)?.perSecond.toFixed(0)).join(', ');
    console.log(`${title} ${round} of ${rounds}: ${last} requests/s`);
  }
  return measures;
}

/** Medians of the rounds' ratios, which a slow spell of the machine hardly moves. */
function ratiosOf(reads: Measure[][], refreshes: Measure[][], floods: FloodRound[]) {
  const [plain = [], ours = [], betterAuth = [], cached = [], expressSession = []] = reads;
  const [rotated = [], extended = [], renewed = []] = refreshes;
  const ratio = (one: Measure[], other: Measure[]): number =>
    median(one.map(({ perSecond }, round) => perSecond / (other[round]?.perSecond ?? Number.NaN)));
  return {
    readToPlain: ratio(ours, plain),
    readToBetterAuth: ratio(ours, betterAuth),
    readToBetterAuthCached: ratio(ours, cached),
    readToExpressSession: ratio(ours, expressSession),
    refreshToBetterAuth: ratio(rotated, extended),
    refreshToExpressSession: ratio(rotated, renewed),
    floodToIdle: median(floods.map(({ floodedP99, idleP99 }) => floodedP99 / idleP99)),
  };
}

interface Outcome {
  read: Contestant[];
  refresh: Contestant[];
  reads: Measure[][];
  refreshes: Measure[][];
  floods: FloodRound[];
}

function summaryOf({ read, refresh, reads, refreshes, floods }: Outcome): string {
  const rows = (contestants: Contestant[], measures: Measure[][]): string[][] =>
    contestants.map(({ name }, index) => {
      const of = (pick: (measure: Measure) => number, digits: number): string =>
        median((measures[index] ?? []).map(pick)).toFixed(digits);
      return [
        name,
        of(({ perSecond }) => perSecond, 0),
        of(({ p50 }) => p50, 1),
        of(({ p99 }) => p99, 1),
        of(({ cpuPer1000 }) => cpuPer1000, 3),
        of(({ busy }) => busy * 100, 0),
      ];
    });
  const columns = ['requests/s', 'p50 ms', 'p99 ms', 'CPU-s per 1,000', 'generator busy %'];
  const flood = floods.map(({ idleP99, floodedP99, signInsPerSecond }, round) => [
    `round ${round + 1}`,
    idleP99.toFixed(1),
    floodedP99.toFixed(1),
    Object.entries(signInsPerSecond)
      .map(([status, perSecond]) => `${perSecond.toFixed(0)} x ${status}`)
      .join(', '),
  ]);
  return [
    table(['who calls', ...columns], rows(read, reads)),
    '',
    table(['a session goes on', ...columns], rows(refresh, refreshes)),
    '',
    table(['other routes beside a flood of sign-ins', 'idle p99 ms', 'flooded p99 ms', 'sign-ins/s'], flood),
  ].join('\n');
}
