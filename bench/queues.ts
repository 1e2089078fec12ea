import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { putInDocument } from './record.ts';
import {
  conditionsLine,
  conditionsOf,
  figuresOf,
  versionsOf,
  writeResults,
  type Check,
  type Column,
  type Report,
} from './report.ts';
import { median, table } from './statistics.ts';
import { KINDS, startContestant, type Contestant, type QueueKind } from './queues/contestants.ts';
import { keepLedger, type Entry } from './queues/ledger.ts';
import { measureQueue, type QueueMeasure } from './queues/measure.ts';
import { openStores, type Stores } from './stores.ts';

const CONNECTIONS = 64;
const PACE = { perSecond: 100, seconds: 2 };
const WARM_UP_MESSAGES = 300;

export const run = async (args: string[]): Promise<boolean> => (await report(args)).passes;

/** Queues side by side: messages from their acknowledgement to their effect, in interleaved rounds, and what faults do to them. */
export async function report(args: string[]): Promise<Report> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      messages: { type: 'string', default: '3000' },
      wait: { type: 'string', default: '70' },
      speed: { type: 'boolean', default: true },
      ledger: { type: 'boolean', default: true },
      record: { type: 'boolean', default: false },
    },
    allowNegative: true,
  });
  const [rounds, messages] = [Number(values.rounds), Number(values.messages)];
  await using stack = new AsyncDisposableStack();
  const secret = randomBytes(24).toString('hex');
  const stores = await openStores(stack, 'always');
  const conditions = conditionsOf(
    {
      postgres: stores.postgresVersion,
      redis: stores.redisVersion,
      ...versionsOf('pg-boss', 'graphile-worker', 'bee-queue', 'bullmq'),
    },
    'PostgreSQL: fsync and synchronous_commit on; Redis: append-only file, synced before each answer',
  );
  const tell = (place: string, text: string): void => {
    console.log(`\n${text}\n`);
    if (values.record) putInDocument(place, `${text}\n\n${conditionsLine(conditions)}`);
  };
  const measures = values.speed ? await measureAll(stores, { secret, rounds, messages }) : [];
  const entries = values.ledger ? await keepLedger(KINDS, { stores, secret, waitSeconds: Number(values.wait) }) : [];

  const load = { rounds, messages, connections: CONNECTIONS, pace: PACE, waitSeconds: Number(values.wait) };
  if (values.speed) {
    const results = KINDS.map(({ name, kept }, index) => ({ name, kept, rounds: measures[index] ?? [] }));
    if (values.record) {
      writeResults('queues', { ...conditions, load, results });
    }
    tell('queues', speedOf(measures));
  }
  if (values.ledger) {
    if (values.record) {
      writeResults('queues-ledger', { ...conditions, load, ledger: entries });
    }
    tell('queues-ledger', ledgerOf(entries));
  }
  const faults = entries.filter(({ kind, lost, held, doubled }) => isOurs(kind) && lost + held + doubled > 0);
  const passes = faults.length === 0;
  if (values.ledger) console.log(`${passes ? 'passed' : 'FAILED'}: Portcullis loses, holds and doubles nothing`);
  const names = KINDS.map(({ name }) => name);
  const figures = values.speed ? [{ ...figuresOf('queue', names, measures, COLUMNS), charted: EFFECTS_COLUMN }] : [];
  return { suite: 'queues', conditions, load, figures, checks: values.speed ? ratioChecks(measures) : [], passes };
}

/** Medians of the rounds' ratios of effects a second: ours beside each of the others. */
function ratioChecks(measures: readonly (readonly QueueMeasure[])[]): Check[] {
  const kinds = KINDS.map(({ name }, index) => ({ name, rounds: measures[index] ?? [] }));
  return kinds
    .filter(({ name }) => isOurs(name))
    .flatMap((ours) =>
      kinds
        .filter(({ name }) => !isOurs(name))
        .map((peer) => ({
          title: `effects/s, ${ours.name}, x ${peer.name}`,
          value: median(
            ours.rounds.map(
              (one, round) => one.effectsPerSecond / (peer.rounds[round]?.effectsPerSecond ?? Number.NaN),
            ),
          ),
          passes: true,
          isRatio: true,
        })),
    );
}

const isOurs = (kind: string): boolean => KINDS.some(({ name, peer }) => name === kind && peer === undefined);

async function measureAll(
  stores: Stores,
  { secret, rounds, messages }: { secret: string; rounds: number; messages: number },
): Promise<QueueMeasure[][]> {
  await using stack = new AsyncDisposableStack();
  const contestants: Contestant[] = [];
  for (const [index, kind] of KINDS.entries()) {
    const options = { stores, secret, database: `queue_${index}`, redis: index + 1 };
    contestants.push(await startContestant(stack, kind, options));
  }
  const order = { secret, connections: CONNECTIONS, pace: PACE };
  for (const contestant of contestants) await measureQueue(contestant, { ...order, messages: WARM_UP_MESSAGES });
  const measures: QueueMeasure[][] = contestants.map(() => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      measures[index]?.push(await measureQueue(contestant, { ...order, messages }));
    }
    const perSecond = measures.map((ofOne) => ofOne.at(-1)?.effectsPerSecond.toFixed(0)).join(', ');
    console.log(`round ${round} of ${rounds}: ${perSecond} effects/s`);
  }
  return measures;
}

/** Of these columns. */
const EFFECTS_COLUMN = 1;
const COLUMNS: Column<QueueMeasure>[] = [
  ['accepted/s', (one) => one.acceptedPerSecond, 0],
  ['effects/s', (one) => one.effectsPerSecond, 0],
  ['to effect p50 ms', (one) => one.latencyP50, 0],
  ['p99 ms', (one) => one.latencyP99, 0],
  ['CPU-s per 1,000', (one) => one.cpuPer1000, 2],
];

function speedOf(measures: readonly (readonly QueueMeasure[])[]): string {
  const rows = KINDS.map(({ name, kept }: QueueKind, index) => [
    name,
    kept,
    ...COLUMNS.map(([, pick, digits]) => median((measures[index] ?? []).map(pick)).toFixed(digits)),
  ]);
  return table(['queue', 'synced before yes', ...COLUMNS.map(([title]) => title)], rows);
}

function ledgerOf(entries: readonly Entry[]): string {
  const faults = [...new Set(entries.map(({ fault }) => fault))];
  const head = ['queue', 'acknowledged', 'refused', 'lost', 'held', 'doubled', 'slowest effect s'];
  const sections = faults.map((fault) => {
    const rows = entries
      .filter((entry) => entry.fault === fault)
      .map(({ kind, slowestSeconds, ...counts }) => [
        kind,
        ...[counts.acknowledged, counts.refused, counts.lost, counts.held, counts.doubled].map(String),
        slowestSeconds.toFixed(1),
      ]);
    return `When ${fault}:\n\n${table(head, rows)}`;
  });
  return sections.join('\n\n');
}
