import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../libs/testing/repository.ts';
import { openDeliveries } from './delivery.ts';
import { loadHttp } from './http-load.ts';
import { KINDS, PATH, startContestant, type Contestant } from './queues/contestants.ts';
import { timeBurst } from './queues/measure.ts';
import { putInDocument } from './record.ts';
import { checkLines, conditionsLine, writeResults, type Check } from './report.ts';
import { chartsOf } from './soak/charts.ts';
import { sampleUntil, type Sample } from './soak/sample.ts';
import { openWindows, type Window } from './soak/windows.ts';
import { median, table } from './statistics.ts';
import { openStores } from './stores.ts';
import { conditionsOn } from './webhooks/conditions.ts';

const CONNECTIONS = 128;
const WINDOWS = 60;
const LEAST_WINDOW_MS = 2_000;
const CAPACITY_ROUNDS = 3;
const DRAIN_LIMIT_MS = 60_000;
/** In a shorter run what is still warming up can't be told from what grows. */
const JUDGED_MINUTES = 10;
const MARKS = { memoryGrowth: 1.25, latencyGrowth: 2 };

/** A constant rate for long: what latencies, memory and open rows do over time. */
export async function run(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '30' },
      share: { type: 'string', default: '0.6' },
      messages: { type: 'string', default: '5000' },
      record: { type: 'boolean', default: false },
    },
  });
  const [minutes, share] = [Number(values.minutes), Number(values.share)];
  await using stack = new AsyncDisposableStack();
  const secret = randomBytes(24).toString('hex');
  const stores = await openStores(stack);
  const conditions = conditionsOn(stores);
  const kind = KINDS.find(({ name }) => name === 'Portcullis on Redis');
  if (kind === undefined) throw new Error('ours is missing');
  const contestant = await startContestant(stack, kind, { stores, secret, database: 'soak', redis: 1 });
  const capacity = await capacityOf(contestant, secret, Number(values.messages));
  const perSecond = Math.max(1, Math.round(capacity * share));
  console.log(`${capacity.toFixed(0)} effects/s at most: ${perSecond} messages a second for ${minutes} minutes`);

  const before = await effectsOf(contestant);
  const { windows, samples, requests, statuses, busy } = await hold(contestant, { secret, perSecond, minutes });
  const drainedMs = await drain(contestant);
  const effects = (await effectsOf(contestant)) - before;
  const load = { minutes, share, capacity, perSecond, connections: CONNECTIONS, busy };
  const found = { ...conditions, load, requests, statuses, effects, drainedMs, windows, samples };
  const checks = checksOf({ windows, samples, requests, accepted: statuses['200'] ?? 0, effects, minutes });
  const charts = chartsOf({ windows, samples }, minutes);
  const place = values.record ? 'docs/benchmarks' : '.cache/soak';
  mkdirSync(join(repository, place), { recursive: true });
  for (const [name, svg] of Object.entries(charts)) writeFileSync(join(repository, place, name), svg);
  if (values.record) writeResults('soak', found);
  else writeFileSync(join(repository, place, 'soak.json'), `${JSON.stringify(found, null, 2)}\n`);
  const text = [
    `${minutes} minutes at ${perSecond} messages a second, ${(share * 100).toFixed(0)} % of the ${capacity.toFixed(0)} effects/s of a burst before; one ingress, one worker, queue on Redis; ${requests} messages. The generator took ${(busy * 100).toFixed(0)} % of a core. All was done ${(drainedMs / 1_000).toFixed(1)} s after the last message.`,
    '',
    quartersOf(windows, samples),
    '',
    ...checkLines(checks).map((line) => `- ${line}`),
  ].join('\n');
  console.log(`\n${text}\n\nCharts are in ${place}`);
  if (values.record) {
    const images = Object.keys(charts).map(
      (name) => `![${name.replace('.svg', '').replace('-', ': ')} over time](benchmarks/${name})`,
    );
    putInDocument('soak', `${text}\n\n${images.join('\n\n')}\n\n${conditionsLine(conditions)}`);
  }
  return checks.every(({ passes }) => passes);
}

/** Messages a second from their receipt to their effect, as fast as they go. */
async function capacityOf(contestant: Contestant, secret: string, messages: number): Promise<number> {
  const order = { secret, connections: CONNECTIONS, messages };
  await timeBurst(contestant, order);
  const rates: number[] = [];
  for (let round = 0; round < CAPACITY_ROUNDS; round += 1) {
    rates.push((await timeBurst(contestant, order)).effectsPerSecond);
  }
  return median(rates);
}

/** Open loop: each connection's requests have their times beforehand, and one that is sent late has taken longer. */
async function hold(
  contestant: Contestant,
  { secret, perSecond, minutes }: { secret: string; perSecond: number; minutes: number },
) {
  const { port } = contestant;
  const next = openDeliveries(createSecretKey(secret, 'utf8'), { path: PATH, host: `127.0.0.1:${port}` });
  const windowMs = Math.max(LEAST_WINDOW_MS, (minutes * 60_000) / WINDOWS);
  const windows = openWindows(windowMs);
  const stopped = new AbortController();
  const sampling = sampleUntil(stopped.signal, contestant, windowMs);
  const { requests, statuses, busy } = await loadHttp({
    port,
    seconds: minutes * 60,
    clients: Array.from({ length: CONNECTIONS }, () => ({ next })),
    paceMs: (CONNECTIONS * 1_000) / perSecond,
    onAnswer: (dueMs, tookMs) => windows.add(dueMs, tookMs),
  });
  stopped.abort();
  return { windows: windows.all(), samples: await sampling, requests, statuses, busy };
}

/** Milliseconds until nothing is open. */
async function drain(contestant: Contestant): Promise<number> {
  const beganAt = performance.now();
  while ((await contestant.waiting()) > 0) {
    if (performance.now() - beganAt > DRAIN_LIMIT_MS) throw new Error(`${await contestant.waiting()} rows stay open`);
  }
  return performance.now() - beganAt;
}

async function effectsOf({ effects }: Contestant): Promise<number> {
  const { rows } = await effects.query<{ count: number }>('select count(*)::int as count from effect');
  return rows[0]?.count ?? 0;
}

const quarter = <T>(list: readonly T[], nth: number): T[] =>
  list.slice(Math.floor((list.length * nth) / 4), Math.floor((list.length * (nth + 1)) / 4));

function quartersOf(windows: readonly Window[], samples: readonly Sample[]): string {
  const rows = [0, 1, 2, 3].map((nth) => {
    const ofWindows = (pick: (window: Window) => number): number => median(quarter(windows, nth).map(pick));
    const ofSamples = (pick: (sample: Sample) => number): number => median(quarter(samples, nth).map(pick));
    return [
      `${nth + 1}`,
      ofWindows(({ p50 }) => p50).toFixed(1),
      ofWindows(({ p90 }) => p90).toFixed(1),
      ofWindows(({ p99 }) => p99).toFixed(1),
      Math.max(...quarter(windows, nth).map(({ max }) => max)).toFixed(0),
      ofSamples(({ ingressMiB }) => ingressMiB).toFixed(0),
      ofSamples(({ workerMiB }) => workerMiB).toFixed(0),
      ofSamples(({ openRows }) => openRows).toFixed(0),
    ];
  });
  const head = ['p50 ms', 'p90 ms', 'p99 ms', 'slowest ms', 'ingress MiB', 'worker MiB', 'open rows'];
  return table(['quarter of the run, medians', ...head], rows);
}

function checksOf(found: {
  windows: readonly Window[];
  samples: readonly Sample[];
  requests: number;
  accepted: number;
  effects: number;
  minutes: number;
}): Check[] {
  const { windows, samples, requests, accepted, effects, minutes } = found;
  const isLong = minutes >= JUDGED_MINUTES;
  const growth = (title: string, values: readonly number[], mark: number): Check => {
    const value = median(quarter(values, 3)) / median(quarter(values, 1));
    return {
      title: `${title}, last quarter x second${isLong ? ` (<= ${mark})` : ''}`,
      value,
      passes: !isLong || value <= mark,
    };
  };
  const answered = accepted / requests;
  const applied = effects / accepted;
  return [
    { title: 'share of the messages that were acknowledged (= 1)', value: answered, passes: answered === 1 },
    { title: 'effects for each acknowledged message (= 1)', value: applied, passes: applied === 1 },
    growth(
      'p99',
      windows.map(({ p99 }) => p99),
      MARKS.latencyGrowth,
    ),
    growth(
      'memory of the ingress',
      samples.map(({ ingressMiB }) => ingressMiB),
      MARKS.memoryGrowth,
    ),
    growth(
      'memory of the worker',
      samples.map(({ workerMiB }) => workerMiB),
      MARKS.memoryGrowth,
    ),
  ];
}
