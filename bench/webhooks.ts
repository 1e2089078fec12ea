import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { KINDS, startContestants, type Contestant, type Kind } from './contestants.ts';
import { bodyBytes } from './delivery.ts';
import { record } from './record.ts';
import { median, table } from './statistics.ts';
import { openStores } from './stores.ts';
import { measureEndToEnd } from './webhooks/end-to-end.ts';
import { measureMatrix } from './webhooks/matrix.ts';
import { measureAcks, PATH, type Measure } from './webhooks/measure.ts';

const WARM_UP_SECONDS = 2;

/** Share of the machine that other work may take in a round; writing to disk alone takes some. */
const MAX_OTHERS_BUSY = 0.15;

/** What ours on Redis must reach, as multiples of the two others. */
const MARKS = { verifyOnly: 0.45, insertAndAdd: 2.5 };

type Measures = Record<Kind, Measure[]>;

/** What an acknowledgement costs: five receivers of the same signed message, in one interleaved run. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '64' },
      repeats: { type: 'string', default: '14' },
      worker: { type: 'boolean', default: false },
      matrix: { type: 'boolean', default: false },
      'matrix-rounds': { type: 'string', default: '3' },
      'cell-seconds': { type: 'string', default: '1.5' },
      'end-to-end': { type: 'boolean', default: false },
      messages: { type: 'string', default: '10000' },
      record: { type: 'boolean', default: false },
    },
  });
  if (values['end-to-end']) {
    return measureEndToEnd({ rounds: Number(values.rounds), messages: Number(values.messages), record: values.record });
  }
  if (values.matrix) {
    await measureMatrix({
      rounds: Number(values['matrix-rounds']),
      seconds: Number(values['cell-seconds']),
      record: values.record,
    });
    return true;
  }
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
    measureAcks(contestant, { secret, connections, seconds: lastsSeconds });

  for (const contestant of Object.values(contestants)) await measure(contestant, WARM_UP_SECONDS);
  const { measures, disturbed } = await inRounds(
    { rounds, repeats: Number(values.repeats) },
    contestants,
    (contestant) => measure(contestant, seconds),
  );

  const ratios = ratiosOf(measures);
  const report = {
    at: new Date().toISOString(),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    othersBusy: Math.max(
      ...Object.values(measures)
        .flat()
        .map(({ othersBusy }) => othersBusy),
    ),
    disturbed,
    versions: { node: process.version, postgres: stores.postgresVersion, redis: stores.redisVersion },
    durability: 'PostgreSQL: fsync and synchronous_commit on; Redis: append-only file, synced every second',
    load: { connections, bodyBytes, seconds, rounds, worker: values.worker },
    results: KINDS.map((kind) => ({ name: contestants[kind].name, rounds: measures[kind] })),
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
  contestants: Record<Kind, Contestant>,
  measure: (contestant: Contestant) => Promise<Measure>,
): Promise<{ measures: Measures; disturbed: number }> {
  const measures: Measures = { verifyOnly: [], naive: [], insertAndAdd: [], onRedis: [], onPostgres: [] };
  let disturbed = 0;
  for (let round = 1; round <= rounds;) {
    const results: Measure[] = [];
    for (const kind of KINDS) results.push(await measure(contestants[kind]));
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
    for (const [index, kind] of KINDS.entries()) measures[kind].push(results[index] as Measure);
    round += 1;
  }
  return { measures, disturbed };
}

/** Medians of the rounds' ratios of requests per second, which a slow spell of the machine hardly moves. */
function ratiosOf({ verifyOnly, naive, insertAndAdd, onRedis, onPostgres }: Measures) {
  const ratio = (ours: Measure[], theirs: Measure[]): number =>
    median(ours.map(({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? Number.NaN)));
  const p99 = (ours: Measure[], theirs: Measure[]): number =>
    median(ours.map((measure, round) => measure.p99 / (theirs[round]?.p99 ?? Number.NaN)));
  return {
    redisToVerifyOnly: ratio(onRedis, verifyOnly),
    redisToNaive: ratio(onRedis, naive),
    redisToInsertAndAdd: ratio(onRedis, insertAndAdd),
    postgresToVerifyOnly: ratio(onPostgres, verifyOnly),
    postgresToNaive: ratio(onPostgres, naive),
    postgresToInsertAndAdd: ratio(onPostgres, insertAndAdd),
    p99RedisToVerifyOnly: p99(onRedis, verifyOnly),
  };
}

type Ratios = ReturnType<typeof ratiosOf>;

function summaryOf(contestants: Record<Kind, Contestant>, measures: Measures, ratios: Ratios): string {
  const rows = KINDS.map((kind) => {
    const rounds = measures[kind];
    const of = (pick: (measure: Measure) => number, digits: number): string => median(rounds.map(pick)).toFixed(digits);
    return [
      contestants[kind].name,
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
    `Portcullis on Redis: ${ratios.redisToVerifyOnly.toFixed(2)} x verify-only, ${ratios.redisToNaive.toFixed(2)} x handled inline, ${ratios.redisToInsertAndAdd.toFixed(2)} x INSERT and queue.add; its p99: ${ratios.p99RedisToVerifyOnly.toFixed(2)} x verify-only's`,
    `Portcullis on PostgreSQL: ${ratios.postgresToVerifyOnly.toFixed(2)} x verify-only, ${ratios.postgresToNaive.toFixed(2)} x handled inline, ${ratios.postgresToInsertAndAdd.toFixed(2)} x INSERT and queue.add`,
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
