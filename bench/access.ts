import { parseArgs } from 'node:util';
import { startContestants, type Contestant } from './access/contestants.ts';
import { floodOnce, type FloodRound } from './access/flood.ts';
import { measure, type Measure } from './access/measure.ts';
import { timeEnds } from './access/time-ends.ts';
import { atLeast, atMost, conclude, told } from './conclude.ts';
import { conditionsOf, figuresOf, versionsOf, type Check, type Column, type Report } from './report.ts';
import { median, table } from './statistics.ts';
import { openStores } from './stores.ts';

const MARKS = { plain: 0.75, betterAuth: 2, refresh: 1.5, flood: 2, endedMs: 1_000 };
const WARM_UP_SECONDS = 1;
const PEERS = ['better-auth', 'express-session', 'connect-redis', 'express', 'pg'];

const COLUMNS: Column<Measure>[] = [
  ['requests/s', ({ perSecond }) => perSecond, 0],
  ['p50 ms', ({ p50 }) => p50, 1],
  ['p99 ms', ({ p99 }) => p99, 1],
  ['CPU-s per 1,000', ({ cpuPer1000 }) => cpuPer1000, 3],
  ['generator busy %', ({ busy }) => busy * 100, 0],
];

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** What it costs to know who calls, and how soon an ended session is over. */
export async function report(args: string[]): Promise<Report> {
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
  const load = { sessions, seconds, rounds, queue: values.redis ? 'Redis' : 'PostgreSQL' };
  const checks: Check[] = [
    atLeast('authenticated GET, x without authentication', ratios.readToPlain, MARKS.plain, true),
    atLeast('authenticated GET, x better-auth', ratios.readToBetterAuth, MARKS.betterAuth, true),
    told('authenticated GET, x express-session and connect-redis', ratios.readToExpressSession),
    atLeast('refresh, x better-auth', ratios.refreshToBetterAuth, MARKS.refresh, true),
    atMost('p99 of other routes under a flood of sign-ins, x idle', ratios.floodToIdle, MARKS.flood, true),
    atMost('worst milliseconds until an ended session is refused', endedMs.worst, MARKS.endedMs),
  ];
  const figures = [
    figuresOf('who calls', read.map(nameOf), reads, COLUMNS),
    figuresOf('a session goes on', refresh.map(nameOf), refreshes, COLUMNS),
  ];
  return conclude(
    { suite: 'access', conditions, load, figures, moreTables: [floodTable(floods)], checks },
    values.record
      ? {
          read: read.map(({ name }, index) => ({ name, rounds: reads[index] })),
          refresh: refresh.map(({ name }, index) => ({ name, rounds: refreshes[index] })),
          floods,
          ends,
          ratios,
          endedMs,
        }
      : undefined,
  );
}

const nameOf = ({ name }: Contestant): string => name;

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

function floodTable(floods: readonly FloodRound[]): string {
  const rows = floods.map(({ idleP99, floodedP99, signInsPerSecond }, round) => [
    `round ${round + 1}`,
    idleP99.toFixed(1),
    floodedP99.toFixed(1),
    Object.entries(signInsPerSecond)
      .map(([status, perSecond]) => `${perSecond.toFixed(0)} x ${status}`)
      .join(', '),
  ]);
  return table(['other routes beside a flood of sign-ins', 'idle p99 ms', 'flooded p99 ms', 'sign-ins/s'], rows);
}
