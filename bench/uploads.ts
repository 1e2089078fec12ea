import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findProgram } from '../libs/runtime/find-program.ts';
import { openLocalClamd, type LocalClamd } from '../libs/uploads/local-clamd.ts';
import { atLeast, atMost, conclude, told } from './conclude.ts';
import { cpuSecondsOf } from './cpu.ts';
import { clientsFor, loadHttp, quantile } from './http-load.ts';
import { conditionsOf, figuresOf, versionsOf, type Check, type Figures, type Report } from './report.ts';
import { median } from './statistics.ts';
import { openStores } from './stores.ts';
import { startContestants, type Contestant, type Contestants } from './uploads/contestants.ts';
import { makeFiles, writeFiles, type BenchFile } from './uploads/files.ts';
import { memoryGrowth } from './uploads/memory-growth.ts';
import { clamdscanRate } from './uploads/scan-rate.ts';
import { timeWaiting } from './uploads/time-waiting.ts';

const MARKS = { ceiling: 0.7, naive: 3, stopped: 1.1, scan: 0.9, growthMiB: 64, waitingMs: 50 };
const FILE_BYTES = 1024 * 1024;
const CONNECTIONS = 8;
const WARM_UP_FILES = 24;
const REST_MS = 300;
const PEERS = ['multer', 'clamscan', '@tus/server', '@tus/file-store', 'express'];

interface Intake {
  perSecond: number;
  p50: number;
  p99: number;
  /** CPU-seconds for 1,000 files, over the server and all that works for it. */
  cpuPer1000: number;
}

interface Round {
  /** By contestant. */
  intake: Intake[];
  /** Files a second. */
  ourScans: number;
  clamdscan: number;
}

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** What it costs to take files in safely, and how soon their verdict is known. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: {
      record: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      files: { type: 'string', default: '120' },
      waiting: { type: 'string', default: '40' },
      large: { type: 'string', default: '200' },
    },
  });
  if (findProgram(['clamdscan'], []) === undefined) {
    throw new Error('clamdscan is needed, to compare with: Debian has it in a package of that name');
  }
  const [rounds, count, large] = [Number(values.rounds), Number(values.files), Number(values.large)];
  await using stack = new AsyncDisposableStack();
  const stores = await openStores(stack);
  const clamd = await openLocalClamd({ dataDir: join(stores.scratch, 'scanner'), restart: false });
  if (clamd === undefined) throw new Error('clamd is needed: Debian has it in clamav-daemon');
  stack.use(clamd);
  await clamd.ready();
  const conditions = conditionsOf(
    { postgres: stores.postgresVersion, redis: stores.redisVersion, ...versionsOf(...PEERS) },
    'Portcullis and the ceiling: file and directory synced, row committed (fsync on); multer and tus: nothing synced',
  );
  const contestants = await startContestants(stack, stores, clamd);
  const { ours, all } = contestants;
  const files = makeFiles(count, FILE_BYTES);
  const directory = join(stores.scratch, 'files');
  writeFiles(directory, files);

  await measureRound(contestants, clamd, files.slice(0, WARM_UP_FILES), directory);
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const result = await measureRound(contestants, clamd, files, directory);
    measured.push(result);
    const perSecond = result.intake.map((intake) => intake.perSecond.toFixed(0)).join(', ');
    console.log(
      `round ${round} of ${rounds}: ${perSecond} files/s taken; ${result.ourScans.toFixed(0)} scanned, clamdscan ${result.clamdscan.toFixed(0)}`,
    );
  }
  const waiting = await timeWaiting(ours, files.slice(0, Number(values.waiting)));
  await ours.clear();
  const stopped = await measureStopped(contestants, clamd, files, Math.min(3, rounds));
  await ours.pauseScans();
  const growth = await memoryGrowth(ours, large);
  await ours.clear();

  const waitingP95 = quantile(
    waiting.toSorted((a, b) => a - b),
    0.95,
  );
  const ratios = ratiosOf(measured);
  const load = {
    connections: CONNECTIONS,
    fileBytes: FILE_BYTES,
    files: count,
    rounds,
    large,
    scansAtOnce: clamd.threads,
  };
  const taken = growth.statuses['202'] ?? 0;
  const checks: Check[] = [
    atLeast('files taken, x the ceiling', ratios.toCeiling, MARKS.ceiling, true),
    atLeast('files taken, x naive', ratios.toNaive, MARKS.naive, true),
    told('files taken while the worker scans, x naive', ratios.scanningToNaive),
    told('files taken, x @tus/server', ratios.toTus),
    atMost('median 202 with clamd stopped, x healthy', stopped.ratio, MARKS.stopped, true),
    atLeast('files scanned by a worker, x clamdscan', ratios.scans, MARKS.scan, true),
    atMost('milliseconds from the verdict to a waiting client, p95', waitingP95, MARKS.waitingMs),
    atMost(`MiB by which the ingress grew with ${large} x 25 MB at once`, growth.mib, MARKS.growthMiB),
    { title: 'share of these that were answered 202 (= 1)', value: taken / large, passes: taken === large },
  ];
  const names = all.map(({ name }) => name);
  return conclude(
    { suite: 'uploads', conditions, load, figures: figuresIn(all, measured), checks },
    values.record ? { contestants: names, rounds: measured, waiting, waitingP95, stopped, growth, ratios } : undefined,
  );
}

/** Every contestant once; then the files that ours holds are scanned, by our worker and by clamdscan. */
async function measureRound(
  { ours, all }: Contestants,
  clamd: LocalClamd,
  files: readonly BenchFile[],
  directory: string,
): Promise<Round> {
  const intake: Intake[] = [];
  await ours.pauseScans();
  const [ceiling, naive, tus, waiting, scanning] = all;
  for (const contestant of [ceiling, naive, tus, waiting]) {
    if (contestant !== undefined) intake.push(await takeIn(contestant, files));
  }
  const startedAt = performance.now();
  await ours.resumeScans();
  await ours.untilClean(files.length);
  const ourScans = files.length / ((performance.now() - startedAt) / 1_000);
  await ours.clear();
  if (scanning !== undefined) intake.push(await takeIn(scanning, files));
  return { intake, ourScans, clamdscan: await clamdscanRate(clamd, directory, files.length) };
}

async function takeIn(contestant: Contestant, files: readonly BenchFile[]): Promise<Intake> {
  const { name, port, pids, accepted, request, after } = contestant;
  const requests = files.map(request);
  const before = cpuSecondsOf(pids);
  const load = await loadHttp({ port, clients: clientsFor(CONNECTIONS, requests) });
  const cpuSeconds = cpuSecondsOf(pids) - before;
  if (Object.keys(load.statuses).join() !== accepted)
    throw new Error(`${name} answered ${JSON.stringify(load.statuses)}`);
  await after(files.length);
  await sleep(REST_MS);
  return {
    perSecond: load.requests / load.seconds,
    p50: quantile(load.latencies, 0.5),
    p99: quantile(load.latencies, 0.99),
    cpuPer1000: (cpuSeconds / load.requests) * 1_000,
  };
}

/** Median milliseconds of a 202 with clamd at work, and with clamd frozen: everything connects, and nothing is answered. */
async function measureStopped(
  { ours, all }: Contestants,
  clamd: LocalClamd,
  files: readonly BenchFile[],
  rounds: number,
): Promise<{ healthy: number[]; stopped: number[]; ratio: number }> {
  const contestant = all[4];
  if (contestant === undefined) throw new Error('ours is missing');
  const healthy: number[] = [];
  const stopped: number[] = [];
  for (let round = 0; round < rounds; round += 1) healthy.push((await takeIn(contestant, files)).p50);
  process.kill(clamd.pid, 'SIGSTOP');
  try {
    const frozen = { ...contestant, after: () => ours.clear() };
    for (let round = 0; round < rounds; round += 1) stopped.push((await takeIn(frozen, files)).p50);
  } finally {
    process.kill(clamd.pid, 'SIGCONT');
  }
  return { healthy, stopped, ratio: median(stopped) / median(healthy) };
}

/** Medians of the rounds' ratios, which a slow spell of the machine hardly moves. */
function ratiosOf(rounds: readonly Round[]) {
  const ratio = (one: number, other: number): number =>
    median(
      rounds.map(({ intake }) => (intake[one]?.perSecond ?? Number.NaN) / (intake[other]?.perSecond ?? Number.NaN)),
    );
  const [ceiling, naive, tus, waiting, scanning] = [0, 1, 2, 3, 4] as const;
  return {
    toCeiling: ratio(waiting, ceiling),
    toNaive: ratio(waiting, naive),
    toTus: ratio(waiting, tus),
    scanningToCeiling: ratio(scanning, ceiling),
    scanningToNaive: ratio(scanning, naive),
    scans: median(rounds.map(({ ourScans, clamdscan }) => ourScans / clamdscan)),
  };
}

function figuresIn(contestants: readonly Contestant[], rounds: readonly Round[]): Figures[] {
  const intakes = contestants.map((_, index) => rounds.flatMap(({ intake }) => intake[index] ?? []));
  const names = contestants.map(({ name }) => name);
  const scanners = ['a worker of Portcullis, from the queue to the clean store', 'clamdscan --stream --multiscan'];
  const rates = [rounds.map(({ ourScans }) => ourScans), rounds.map(({ clamdscan }) => clamdscan)];
  return [
    figuresOf(`taken in (${CONNECTIONS} connections, 1 MiB)`, names, intakes, [
      ['files/s', ({ perSecond }) => perSecond, 1],
      ['p50 ms', ({ p50 }) => p50, 1],
      ['p99 ms', ({ p99 }) => p99, 1],
      ['CPU-s per 1,000', ({ cpuPer1000 }) => cpuPer1000, 2],
    ]),
    figuresOf('scanned', scanners, rates, [['files/s', (rate) => rate, 1]]),
  ];
}
