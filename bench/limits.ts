import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startServer } from './servers.ts';
import { cpuSecondsOf } from './cpu.ts';
import { openGenerator } from './generator.ts';
import { conclude } from './conclude.ts';
import { conditionsOf, figuresOf, versionsOf, type Check, type Report } from './report.ts';
import { median } from './statistics.ts';
import { openStores, type Stores } from './stores.ts';

const PATH = '/limited';
const WARM_UP_SECONDS = 2;
const REST_MS = 300;

/** What of the same route without limits must be left of it with them. */
const MARK = 0.8;

interface Contestant {
  name: string;
  port: number;
  serverPid: number;
  pids: number[];
}

interface Measure {
  perSecond: number;
  p99: number;
  /** CPU-seconds of the server alone, which is what bounds it, for 1,000 requests. */
  serverPer1000: number;
  /** With those of Redis. */
  cpuPer1000: number;
}

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** What a limit costs: one route without, with ours and with express-rate-limit, in the process and through Redis. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '64' },
      clients: { type: 'string', default: '1000' },
      record: { type: 'boolean', default: false },
    },
  });
  const { rounds, seconds, connections, clients } = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    clients: Number(values.clients),
  };
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const versions = { redis: stores.redisVersion, ...versionsOf('express-rate-limit', 'rate-limit-redis') };
  const conditions = conditionsOf(versions, 'Redis: append-only file, synced every second');
  const contestants = await startAll(stack, stores);
  const measure = (contestant: Contestant, lasts: number): Promise<Measure> =>
    load(contestant, { seconds: lasts, connections, clients });
  for (const contestant of contestants) await measure(contestant, WARM_UP_SECONDS);
  const measures: Measure[][] = contestants.map(() => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const result = await measure(contestant, seconds);
      measures[index]?.push(result);
      console.log(`round ${round} of ${rounds}: ${contestant.name}: ${result.perSecond.toFixed(0)} requests/s`);
    }
  }
  const ratiosBy = (pick: (measure: Measure, without: Measure) => number): number[] =>
    measures.map((ofOne) => median(ofOne.map((measure, round) => pick(measure, measures[0]?.[round] as Measure))));
  const byRate = ratiosBy((measure, without) => measure.perSecond / without.perSecond);
  const byCpu = ratiosBy((measure, without) => without.serverPer1000 / measure.serverPer1000);
  const names = contestants.map(({ name }) => name);
  const figures = figuresOf('route', names, measures, [
    ['requests/s', ({ perSecond }) => perSecond, 0],
    ['p99 ms', ({ p99 }) => p99, 1],
    ['CPU-s per 1,000 with Redis', ({ cpuPer1000 }) => cpuPer1000, 3],
  ]);
  figures.columns.push({ title: 'x no limits', digits: 2 }, { title: 'x by CPU of the server', digits: 2 });
  figures.rows.forEach(({ values: row }, index) => row.push(byRate[index] ?? Number.NaN, byCpu[index] ?? Number.NaN));
  // On a busy machine requests a second tell of what else it does; the server's own CPU does not.
  const isBusy = conditions.loadBefore > cpus().length / 2;
  const ratios = isBusy ? byCpu : byRate;
  const checks = names.slice(1).map((name, index): Check => {
    const [value = Number.NaN, isOurs] = [ratios[index + 1], index < 2];
    return {
      title: `${name}, x the route without limits${isBusy ? ' by CPU of the server' : ''}${isOurs ? ` (>= ${MARK})` : ''}`,
      value,
      passes: !isOurs || value >= MARK,
      isRatio: true,
    };
  });
  const results = contestants.map(({ name }, index) => ({ name, rounds: measures[index] ?? [] }));
  return conclude(
    { suite: 'limits', conditions, load: { rounds, seconds, connections, clients }, figures: [figures], checks },
    values.record ? { results, byRate, byCpu } : undefined,
  );
}

async function startAll(stack: AsyncDisposableStack, stores: Stores): Promise<Contestant[]> {
  const kinds = [
    { name: 'no limits', env: { LIMITER: 'none' }, pids: [] },
    { name: 'Portcullis, in the process', env: { LIMITER: 'ours' }, pids: [] },
    { name: 'Portcullis, on Redis', env: { LIMITER: 'ours', REDIS_URL: stores.redis(1) }, pids: [stores.redisPid] },
    { name: 'express-rate-limit, in the process', env: { LIMITER: 'theirs' }, pids: [] },
    {
      name: 'express-rate-limit and rate-limit-redis',
      env: { LIMITER: 'theirs', REDIS_URL: stores.redis(2) },
      pids: [stores.redisPid],
    },
  ];
  const contestants: Contestant[] = [];
  for (const { name, env, pids } of kinds) {
    const { port, pid } = await startServer(stack, 'bench/servers/limited-route.ts', env as Record<string, string>);
    contestants.push({ name, port, serverPid: pid, pids: [pid, ...pids] });
  }
  return contestants;
}

async function load(
  { name, port, serverPid, pids }: Contestant,
  { seconds, connections, clients }: { seconds: number; connections: number; clients: number },
): Promise<Measure> {
  using generator = openGenerator();
  const look = (): [number, number] => [cpuSecondsOf([serverPid]), cpuSecondsOf(pids)];
  let [before, after] = [look(), look()];
  const result = await generator.load(
    { port, path: PATH, secret: '', connections, seconds, prepared: 0, clients },
    {
      before: () => {
        before = look();
      },
      after: () => {
        after = look();
      },
    },
  );
  if (Object.keys(result.statuses).some((status) => status !== '200')) {
    throw new Error(`${name} answered ${JSON.stringify(result.statuses)}`);
  }
  await sleep(REST_MS);
  return {
    perSecond: result.requests / result.seconds,
    p99: result.p99,
    serverPer1000: ((after[0] - before[0]) / result.requests) * 1_000,
    cpuPer1000: ((after[1] - before[1]) / result.requests) * 1_000,
  };
}
