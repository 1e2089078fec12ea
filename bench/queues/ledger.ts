import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../libs/testing/redis-command.ts';
import type { Stores } from '../stores.ts';
import { startContestant, type Contestant, type QueueKind } from './contestants.ts';
import { sendPaced, type SentMessages } from './paced-sender.ts';

/** Longer than an insert takes, so that a kill meets jobs whose effect is written and whose end is not. */
const WORK_MS = 10;
const PER_SECOND = 200;
const SECONDS = 6;
const KILLS = 3;
const LOOK_MS = 250;
/** A queue that says for so long that it holds nothing has lost what is still missing. */
const NOTHING_HELD_MS = 10_000;

export interface Entry {
  fault: string;
  kind: string;
  acknowledged: number;
  refused: number;
  /** Acknowledged, and neither done nor held by the queue when the waiting ended. */
  lost: number;
  /** What the queue still held when the waiting ended, done once or not at all. */
  held: number;
  /** Effects beyond the first of a message. */
  doubled: number;
  /** Seconds from sending to the effect, of the slowest that came. */
  slowestSeconds: number;
}

interface Fault {
  name: string;
  applies(kind: QueueKind): boolean;
  strike(contestant: Contestant, stores: Stores, redisUrl: string): Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    name: `the worker is killed ${KILLS} times`,
    applies: () => true,
    async strike(contestant) {
      for (let kill = 0; kill < KILLS; kill += 1) {
        await sleep((SECONDS * 1_000) / (KILLS + 1));
        await contestant.replaceWorker();
      }
    },
  },
  {
    name: 'its stores crash and start again on what they kept',
    applies: () => true,
    async strike({ kind }, { crash }) {
      await sleep((SECONDS * 1_000) / 3);
      await Promise.all([crash.postgres(), ...(kind.usesRedis ? [crash.redis()] : [])]);
    },
  },
  {
    name: 'Redis is emptied',
    applies: ({ usesRedis }) => usesRedis,
    async strike(_contestant, _stores, redisUrl) {
      await sleep((SECONDS * 1_000) / 3);
      await runCommand(redisUrl, 'FLUSHALL');
    },
  },
];

export interface LedgerOptions {
  stores: Stores;
  secret: string;
  /** How long a message may take to its effect before the waiting ends. */
  waitSeconds: number;
}

/** Each fault for each kind, on a database of its own: what was acknowledged against what was done. */
export async function keepLedger(kinds: readonly QueueKind[], options: LedgerOptions): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const [number, fault] of FAULTS.entries()) {
    for (const [index, kind] of kinds.entries()) {
      if (!fault.applies(kind)) continue;
      const entry = await strikeOnce(fault, kind, { ...options, database: `ledger_${number}_${index}` });
      console.log(
        `${fault.name}: ${kind.name}: ${entry.acknowledged} acknowledged, ${entry.lost} lost, ${entry.held} held, ${entry.doubled} doubled, slowest ${entry.slowestSeconds.toFixed(1)} s`,
      );
      entries.push(entry);
    }
  }
  return entries;
}

const REDIS_DATABASE = 15;

async function strikeOnce(
  fault: Fault,
  kind: QueueKind,
  { stores, secret, waitSeconds, database }: LedgerOptions & { database: string },
): Promise<Entry> {
  await using stack = new AsyncDisposableStack();
  const redisUrl = stores.redis(REDIS_DATABASE);
  await runCommand(redisUrl, 'FLUSHDB');
  const options = { stores, secret, database, redis: REDIS_DATABASE, workMs: WORK_MS };
  const contestant = await startContestant(stack, kind, options);
  // Not every worker says when it has begun.
  await sleep(1_500);
  const sending = sendPaced(contestant.port, { secret, perSecond: PER_SECOND, seconds: SECONDS });
  await fault.strike(contestant, stores, redisUrl);
  const sent = await sending;
  const { done, missing } = await untilDone(contestant, sent, waitSeconds);
  const waiting = await contestant.waiting();
  const firsts = [...sent.acknowledged].map(([key, sentAt]) => (done.get(key)?.firstAt ?? 0) - sentAt);
  return {
    fault: fault.name,
    kind: kind.name,
    acknowledged: sent.acknowledged.size,
    refused: sent.refused,
    lost: Math.max(0, missing - waiting),
    held: waiting,
    doubled: [...done.values()].reduce((sum, { times }) => sum + times - 1, 0),
    slowestSeconds: Math.max(...firsts) / 1_000,
  };
}

type Done = Map<string, { times: number; firstAt: number }>;

async function untilDone(
  contestant: Contestant,
  { acknowledged }: SentMessages,
  waitSeconds: number,
): Promise<{ done: Done; missing: number }> {
  const endsAt = Date.now() + waitSeconds * 1_000;
  let heldAt = Date.now();
  for (;;) {
    const done = await readDone(contestant);
    const missing = [...acknowledged.keys()].filter((key) => !done.has(key)).length;
    const waiting = await contestant.waiting();
    // A job whose effect is written may be held still, to run a second time.
    if (missing === 0 && waiting === 0) return { done: await readDone(contestant), missing };
    if (waiting > 0) heldAt = Date.now();
    if (Date.now() > endsAt || Date.now() - heldAt > NOTHING_HELD_MS) return { done, missing };
    await sleep(LOOK_MS);
  }
}

async function readDone({ effects }: Contestant): Promise<Done> {
  const { rows } = await effects.query<{ key: string; times: number; first: Date }>(
    'select key, count(*)::int as times, min(at) as first from effect group by key',
  );
  return new Map(rows.map(({ key, times, first }) => [key, { times, firstAt: first.getTime() }]));
}
