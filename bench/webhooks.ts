import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startContestants, type Contestant } from './contestants.ts';
import { cpuSecondsOf, cpuSecondsOfMachine } from './cpu.ts';
import { bodyBytes } from './delivery.ts';
import { record } from './record.ts';
import { openGenerator } from './generator.ts';
import type { LoadResult } from './load.ts';
import { median, table } from './statistics.ts';
import { openStores } from './stores.ts';

const PATH = '/api/whatsapp/webhook';
const WARM_UP_SECONDS = 2;
const REST_MS = 500;
/** Requests made ready for a second of load; what is missing is made while loading. */
const PREPARED_PER_SECOND = 12_000;

/** Share of the machine that other work may take in a round; writing to disk alone takes some. */
const MAX_OTHERS_BUSY = 0.15;

/** What ours on Redis must reach, as multiples of the two others. */
const MARKS = { verifyOnly: 0.45, insertAndAdd: 2.5 };

interface Measure extends LoadResult {
  perSecond: number;
  /** CPU-seconds for 1,000 requests, over the server and the stores it uses. */
  cpuPer1000: number;
  /** Share of the machine that neither these nor the generator took. */
  othersBusy: number;
}

/** What an acknowledgement costs: four receivers of the same signed message, in one interleaved run. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '64' },
      repeats: { type: 'string', default: '14' },
      worker: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(Number) as [
    number,
    number,
    number,
  ];
  await using stack = new AsyncDisposableStack();
  const secret = randomBytes(24).toString('hex');
  const stores = await openStores(stack);
  const contestants = await startContestants(stack, { stores, path: PATH, secret, withWorker: values.worker });
  const measure = (contestant: Contestant, lastsSeconds: number): Promise<Measure> =>
    load(contestant, { path: PATH, secret, connections, seconds: lastsSeconds });

  for (const contestant of contestants) await measure(contestant, WARM_UP_SECONDS);
  const { measures, disturbed } = await inRounds(
    { rounds, repeats: Number(values.repeats) },
    contestants,
    (contestant) => measure(contestant, seconds),
  );

  const ratios = ratiosOf(measures);
  const report = {
    at: new Date().toISOString(),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    othersBusy: Math.max(...measures.flat().map(({ othersBusy }) => othersBusy)),
    disturbed,
    versions: { node: process.version, postgres: stores.postgresVersion, redis: stores.redisVersion },
    durability: 'PostgreSQL: fsync and synchronous_commit on; Redis: append-only file, synced every second',
    load: { connections, bodyBytes, seconds, rounds, worker: values.worker },
    results: contestants.map(({ name }, index) => ({ name, rounds: measures[index] ?? [] })),
    ratios,
  };
  const summary = summaryOf(contestants, measures, ratios);
  console.log(`\n${summary}\n`);
  if (values.record) record(values.worker ? 'webhooks-with-worker' : 'webhooks', report, documentOf(report, summary));
  return values.worker || verdictOf(ratios);
}

/** Rounds that other work on the machine disturbed are repeated, but no more than `repeats` of them. */
async function inRounds(
  { rounds, repeats }: { rounds: number; repeats: number },
  contestants: readonly Contestant[],
  measure: (contestant: Contestant) => Promise<Measure>,
): Promise<{ measures: Measure[][]; disturbed: number }> {
  const measures: Measure[][] = contestants.map(() => []);
  let disturbed = 0;
  for (let round = 1; round <= rounds;) {
    const results: Measure[] = [];
    for (const contestant of contestants) results.push(await measure(contestant));
    const perSecond = results.map((result) => result.perSecond.toFixed(0)).join(', ');
    const othersBusy = Math.max(...results.map((result) => result.othersBusy));
    const isDisturbed = othersBusy > MAX_OTHERS_BUSY && disturbed < repeats;
    console.log(
      `round ${round} of ${rounds}: ${perSecond} requests/s${isDisturbed ? `; repeated: other work took ${(othersBusy * 100).toFixed(0)} % of the machine` : ''}`,
    );
    if (isDisturbed) {
      disturbed += 1;
      continue;
    }
    results.forEach((result, index) => measures[index]?.push(result));
    round += 1;
  }
  return { measures, disturbed };
}

async function load(
  contestant: Contestant,
  order: { path: string; secret: string; connections: number; seconds: number },
): Promise<Measure> {
  using generator = openGenerator();
  let [before, after, machine] = [0, 0, 0];
  const result = await generator.load(
    { ...order, port: contestant.port, prepared: order.seconds * PREPARED_PER_SECOND },
    {
      before: () => {
        before = cpuSecondsOf(contestant.pids);
        machine = cpuSecondsOfMachine();
      },
      after: () => {
        after = cpuSecondsOf(contestant.pids);
        machine = cpuSecondsOfMachine() - machine;
      },
    },
  );
  const refused = Object.keys(result.statuses).filter((status) => status !== '200');
  if (refused.length > 0) throw new Error(`${contestant.name} answered ${JSON.stringify(result.statuses)}`);
  await sleep(REST_MS);
  return {
    ...result,
    perSecond: result.requests / result.seconds,
    cpuPer1000: ((after - before) / result.requests) * 1_000,
    othersBusy: Math.max(0, (machine - (after - before)) / result.seconds - result.busy) / cpus().length,
  };
}

/** Medians of the rounds' ratios of requests per second, which a slow spell of the machine hardly moves. */
function ratiosOf([verifyOnly = [], insertAndAdd = [], onRedis = [], onPostgres = []]: Measure[][]) {
  const ratio = (ours: Measure[], theirs: Measure[]): number =>
    median(ours.map(({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? Number.NaN)));
  const p99 = (ours: Measure[], theirs: Measure[]): number =>
    median(ours.map((measure, round) => measure.p99 / (theirs[round]?.p99 ?? Number.NaN)));
  return {
    redisToVerifyOnly: ratio(onRedis, verifyOnly),
    redisToInsertAndAdd: ratio(onRedis, insertAndAdd),
    postgresToVerifyOnly: ratio(onPostgres, verifyOnly),
    postgresToInsertAndAdd: ratio(onPostgres, insertAndAdd),
    p99RedisToVerifyOnly: p99(onRedis, verifyOnly),
  };
}

type Ratios = ReturnType<typeof ratiosOf>;

function summaryOf(contestants: readonly Contestant[], measures: Measure[][], ratios: Ratios): string {
  const rows = contestants.map(({ name }, index) => {
    const rounds = measures[index] ?? [];
    const of = (pick: (measure: Measure) => number, digits: number): string => median(rounds.map(pick)).toFixed(digits);
    return [
      name,
      of((measure) => measure.perSecond, 0),
      of((measure) => measure.p50, 1),
      of((measure) => measure.p99, 1),
      of((measure) => measure.cpuPer1000, 3),
      of((measure) => measure.busy * 100, 0),
    ];
  });
  const head = ['receiver', 'requests/s', 'p50 ms', 'p99 ms', 'CPU-s per 1,000', 'generator busy %'];
  return [
    table(head, rows),
    '',
    `Portcullis on Redis: ${ratios.redisToVerifyOnly.toFixed(2)} x verify-only, ${ratios.redisToInsertAndAdd.toFixed(2)} x INSERT and queue.add; its p99: ${ratios.p99RedisToVerifyOnly.toFixed(2)} x verify-only's`,
    `Portcullis on PostgreSQL: ${ratios.postgresToVerifyOnly.toFixed(2)} x verify-only, ${ratios.postgresToInsertAndAdd.toFixed(2)} x INSERT and queue.add`,
  ].join('\n');
}

function verdictOf({ redisToVerifyOnly, redisToInsertAndAdd }: Ratios): boolean {
  const passes = redisToVerifyOnly >= MARKS.verifyOnly && redisToInsertAndAdd >= MARKS.insertAndAdd;
  console.log(
    `${passes ? 'passed' : 'FAILED'}: on Redis at least ${MARKS.verifyOnly} x verify-only and ${MARKS.insertAndAdd} x INSERT and queue.add`,
  );
  return passes;
}

type Report = {
  at: string;
  machine: string;
  othersBusy: number;
  disturbed: number;
  versions: { node: string; postgres: string; redis: string };
  durability: string;
  load: { connections: number; bodyBytes: number; seconds: number; rounds: number; worker: boolean };
};

function documentOf(
  { at, machine, othersBusy, disturbed, versions, durability, load }: Report,
  summary: string,
): string {
  return [
    `${at.slice(0, 10)}; ${machine}; Node ${versions.node}, PostgreSQL ${versions.postgres}, Redis ${versions.redis}. ${durability}.`,
    `${load.connections} connections, ${load.bodyBytes} bytes, ${load.rounds} rounds of ${load.seconds} s${load.worker ? ', a worker beside each Portcullis' : ''}. Other work took up to ${Math.min(100, othersBusy * 100).toFixed(0)} % of the machine; ${disturbed} disturbed rounds were repeated.`,
    '',
    summary,
  ].join('\n');
}
