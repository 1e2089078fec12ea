import { randomBytes } from 'node:crypto';
import { startContestant, type Contestant } from '../queues/contestants.ts';
import { timeBurst } from '../queues/measure.ts';
import { record } from '../record.ts';
import { checkLines, conditionsLine } from '../report.ts';
import { median, table } from '../statistics.ts';
import { openStores } from '../stores.ts';
import { conditionsOn } from './conditions.ts';

/** Events applied a second, on the two cores that everything shares. */
const MARK = 1_500;
const CONNECTIONS = 64;
const WARM_UP_MESSAGES = 1_000;

const KINDS = [
  { name: 'Portcullis on Redis', usesRedis: true, kept: 'row in PostgreSQL' },
  { name: 'Portcullis on PostgreSQL', usesRedis: false, kept: 'row in PostgreSQL' },
];

type Burst = Awaited<ReturnType<typeof timeBurst>>;

/** From receipts that are sent over HTTP to the effects of their events: one ingress, one worker, and the stores. */
export async function measureEndToEnd(options: {
  rounds: number;
  messages: number;
  record: boolean;
}): Promise<boolean> {
  const { rounds, messages } = options;
  await using stack = new AsyncDisposableStack();
  const secret = randomBytes(24).toString('hex');
  const stores = await openStores(stack);
  const conditions = conditionsOn(stores);
  const contestants: Contestant[] = [];
  for (const [index, kind] of KINDS.entries()) {
    const place = { database: `end_to_end_${index}`, redis: index + 1 };
    contestants.push(await startContestant(stack, kind, { stores, secret, ...place }));
  }
  const order = { secret, connections: CONNECTIONS };
  for (const contestant of contestants) await timeBurst(contestant, { ...order, messages: WARM_UP_MESSAGES });
  const results = contestants.map(({ kind }) => ({ name: kind.name, rounds: [] as Burst[] }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      results[index]?.rounds.push(await timeBurst(contestant, { ...order, messages }));
    }
    const last = results.map((result) => result.rounds.at(-1)?.effectsPerSecond.toFixed(0)).join(', ');
    console.log(`round ${round} of ${rounds}: ${last} events applied/s`);
  }
  const ofOne = (bursts: readonly Burst[], pick: (burst: Burst) => number): number => median(bursts.map(pick));
  const rows = results.map(({ name, rounds: bursts }) => [
    name,
    ofOne(bursts, (burst) => burst.acceptedPerSecond).toFixed(0),
    ofOne(bursts, (burst) => burst.effectsPerSecond).toFixed(0),
    ofOne(bursts, (burst) => burst.cpuPer1000).toFixed(2),
  ]);
  const checks = results.map(({ name, rounds: bursts }) => {
    const value = ofOne(bursts, (burst) => burst.effectsPerSecond);
    return { title: `${name}, events applied/s (>= ${MARK})`, value, passes: value >= MARK };
  });
  const text = [
    table(['receiver', 'accepted/s', 'events applied/s', 'CPU-s per 1,000'], rows),
    '',
    ...checkLines(checks).map((line) => `- ${line}`),
  ].join('\n');
  console.log(`\n${text}\n`);
  if (options.record) {
    const report = { ...conditions, load: { connections: CONNECTIONS, rounds, messages }, results };
    const line = `${rounds} rounds of ${messages} messages over ${CONNECTIONS} connections. ${conditionsLine(conditions)}`;
    record('webhooks-end-to-end', report, `${text}\n\n${line}`);
  }
  return checks.every(({ passes }) => passes);
}
