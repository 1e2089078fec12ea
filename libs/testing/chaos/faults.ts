import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';
import { drainRate } from '#testing/chaos/backlog.ts';
import { POISON } from '#testing/chaos/message.ts';
import type { Random } from '#testing/chaos/random.ts';
import { LIES, type Lie } from '#testing/chaos/scanner.ts';
import { fillDisk } from '#testing/chaos/small-disks.ts';
import type { WebhookSenders } from '#testing/chaos/send-webhooks.ts';
import type { Backend, ChaosSystem } from '#testing/chaos/system.ts';
import { runCommand } from '#testing/redis-command.ts';

export interface Struck {
  system: ChaosSystem;
  random: Random;
  senders: WebhookSenders;
  /** Seconds of what lasts: short in the short form. */
  seconds: number;
  violate: (text: string) => void;
  say: (line: string) => void;
  /** Says when the blow has landed, if that is later than when it was begun: recovery is counted from there. */
  landed: () => void;
}

export interface Fault {
  /** As in the table of docs/reliability.md. */
  id: string;
  title: string;
  /** Both, unless one is named. */
  backend?: Backend;
  /** What has to be there within so long after the blow: `drained` all that was open, `resumed` the first effect of what came after it. */
  mark?: { what: 'drained' | 'resumed'; ms: number };
  /** Takes longer than a short run has. */
  leastSeconds?: number;
  needsScanner?: boolean;
  /** Nothing else may strike meanwhile, so it comes only where it is asked for. */
  isAlone?: boolean;
  /** Small ones, that it can fill. */
  needsDisks?: boolean;
  /** Resolves when what was broken is whole again. */
  strike: (struck: Struck) => Promise<void>;
}

const LATENCY_MS = 200;
const GRACE_MS = 12_000;
const HOUR_MS = 3_600_000;
/** On as few as two cores, which the stores need too. */
const LEAST_SPEED_UP = 0.9;
const PARKED_MS = 180_000;
const ABORTED = 128 + 6;
const KILLED = 128 + 9;
const LOOK_MS = 250;

const WIPE_TRIES = 50;
// Given up before it is taken for a deadlock: statements of the queue lock its tables in another order.
const WIPE_QUEUE = `
  do $$ begin
    perform set_config('lock_timeout', '200ms', true);
    execute (select 'truncate ' || string_agg(format('bullmq.%I', tablename), ', ') from pg_tables
      where schemaname = 'bullmq' and tablename <> 'migration');
  end $$`;

/** Empties every table of the queue. */
export async function wipeQueue(pool: Pool): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await pool.query(WIPE_QUEUE);
      return;
    } catch (error) {
      if (tries === WIPE_TRIES) throw error;
      await sleep(LOOK_MS);
    }
  }
}

/** It is lost with a worker ten times, each time seen when its lease runs out. */
async function parksPoison(pool: Pool, kind: keyof typeof POISON): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < PARKED_MS; waitedMs += LOOK_MS) {
    const { rows } = await pool.query<{ open: number; dead: number }>(
      `select count(*) filter (where state = 'open')::int as open, count(*) filter (where state = 'dead')::int as dead
       from webhook_event where raw::text like '%' || $1 || '%'`,
      [POISON[kind]],
    );
    if (rows[0]?.open === 0 && rows[0].dead > 0) return true;
    await sleep(LOOK_MS);
  }
  return false;
}

/** Poison that its workers do not survive; the codes are how they end by it. */
function deadlyPoison(kind: keyof typeof POISON, title: string, codes: readonly number[]): Fault {
  return {
    id: 'F14',
    title,
    leastSeconds: 60,
    async strike({ system, senders, violate }) {
      for (const worker of system.workers) worker.excuse(codes);
      await senders.poison(kind);
      if (!(await parksPoison(system.pool, kind))) violate(`${title} was not parked`);
      await system.live();
      for (const worker of system.workers) worker.excuse([]);
    },
  };
}

export const faults: readonly Fault[] = [
  {
    id: 'F1',
    title: 'kill -9 of a worker',
    mark: { what: 'drained', ms: 8_000 },
    strike: async ({ system, random }) => random.pick(system.workers).kill('SIGKILL'),
  },
  {
    id: 'F2',
    title: 'kill -9 of all workers, twice',
    async strike({ system }) {
      for (let times = 0; times < 2; times += 1) {
        for (const worker of system.workers) worker.kill('SIGKILL');
        await Promise.all(system.workers.map((worker) => worker.live()));
      }
    },
  },
  {
    id: 'F3',
    title: 'kill -9 of Redis, and back',
    backend: 'redis',
    mark: { what: 'drained', ms: 10_000 },
    async strike({ system: { redis }, seconds }) {
      redis?.signal('SIGKILL');
      await redis?.ended();
      await sleep(seconds * 250);
      await redis?.restart();
    },
  },
  {
    id: 'F3',
    title: 'Redis replaced by an empty one',
    backend: 'redis',
    mark: { what: 'resumed', ms: 3_000 },
    strike: async ({ system }) => system.redis?.replace(),
  },
  {
    id: 'F4',
    title: 'the queue wiped',
    mark: { what: 'resumed', ms: 3_000 },
    async strike({ system, landed }) {
      if (system.backend === 'postgres') await wipeQueue(system.pool);
      else await runCommand(system.queueUrl, 'FLUSHALL');
      landed();
    },
  },
  {
    id: 'F5',
    title: 'Redis frozen',
    backend: 'redis',
    async strike({ system: { redis }, seconds }) {
      redis?.signal('SIGSTOP');
      await sleep(seconds * 1_000);
      redis?.signal('SIGCONT');
    },
  },
  {
    id: 'F5',
    title: 'the queue locked',
    backend: 'postgres',
    async strike({ system, seconds }) {
      const client = await system.pool.connect();
      try {
        await client.query('begin; lock table bullmq.job in access exclusive mode');
        await sleep(seconds * 1_000);
        await client.query('rollback');
      } finally {
        client.release();
      }
    },
  },
  {
    id: 'F6',
    title: 'Redis full',
    backend: 'redis',
    async strike({ system: { redis }, seconds }) {
      if (redis === undefined) return;
      await runCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '1');
      await sleep(seconds * 1_000);
      await runCommand(redis.url, 'CONFIG', 'SET', 'maxmemory', '0');
    },
  },
  {
    id: 'F7',
    title: 'kill -9 of the Redis that the Sentinels call master',
    backend: 'sentinel',
    mark: { what: 'resumed', ms: 15_000 },
    async strike({ system: { sentinel }, seconds }) {
      const master = await sentinel?.masterOf('any');
      master?.signal('SIGKILL');
      await master?.ended();
      await sleep(seconds * 1_000);
      await master?.restart();
    },
  },
  {
    id: 'F8',
    title: 'half-open connections',
    strike: async ({ system, random }) => random.pick(Object.values(system.proxies)).silence(),
  },
  {
    id: 'F8',
    title: 'connections refused',
    async strike({ system, random, seconds }) {
      const proxy = random.pick(Object.values(system.proxies));
      await proxy.refuse();
      await sleep(seconds * 1_000);
      await proxy.accept();
    },
  },
  {
    id: 'F8',
    title: 'connections reset',
    strike: async ({ system, random }) => random.pick(Object.values(system.proxies)).reset(),
  },
  {
    id: 'F8',
    title: 'pauses of 200 ms',
    async strike({ system, random, seconds }) {
      const proxy = random.pick(Object.values(system.proxies));
      for (let times = 0; times < seconds * 2; times += 1) {
        const release = proxy.hold();
        await sleep(LATENCY_MS);
        release();
        await sleep(LATENCY_MS);
      }
    },
  },
  {
    id: 'F9',
    title: 'immediate restart of PostgreSQL',
    async strike({ system: { postgres } }) {
      await postgres.end('SIGQUIT');
      await postgres.start();
    },
  },
  {
    id: 'F9',
    title: 'PostgreSQL away while processes start',
    async strike({ system: { postgres, workers, ingresses }, random, seconds }) {
      await postgres.end(random.pick(['SIGINT', 'SIGQUIT', 'SIGKILL']));
      random.pick(workers).kill('SIGKILL');
      random.pick(ingresses).kill('SIGKILL');
      await sleep(seconds * 1_000);
      await postgres.start();
    },
  },
  {
    id: 'F9',
    title: 'PostgreSQL frozen',
    async strike({ system: { postgres }, seconds }) {
      const wake = postgres.freeze();
      await sleep(seconds * 1_000);
      wake();
    },
  },
  {
    id: 'F10',
    title: 'both stores away',
    backend: 'redis',
    async strike({ system: { postgres, redis }, seconds }) {
      redis?.signal('SIGSTOP');
      await postgres.end('SIGQUIT');
      await sleep(seconds * 500);
      await postgres.start();
      redis?.signal('SIGCONT');
    },
  },
  {
    id: 'F11',
    title: 'kill -9 of an ingress',
    strike: async ({ system, random }) => random.pick(system.ingresses).kill('SIGKILL'),
  },
  {
    id: 'F12',
    title: 'clocks an hour off',
    async strike({ system, random, seconds }) {
      system.stepClocks(random.pick([-HOUR_MS, HOUR_MS]));
      await sleep(seconds * 1_000);
      system.stepClocks(0);
    },
  },
  { id: 'F13', title: '100 copies at once', strike: ({ senders }) => senders.burst(100) },
  { id: 'F14', title: 'an event whose handler throws', strike: ({ senders }) => senders.poison('throws') },
  deadlyPoison('kills', 'an event that ends its worker', []),
  deadlyPoison('fills', 'an event that takes all memory', [ABORTED]),
  deadlyPoison('blocks', 'an event that stops the event loop', [KILLED]),
  {
    id: 'F15',
    title: 'kill -9 of clamd',
    needsScanner: true,
    strike: async ({ system }) => system.scanner?.kill(),
  },
  {
    id: 'F15',
    title: 'clamd frozen',
    needsScanner: true,
    async strike({ system, seconds }) {
      const wake = system.scanner?.freeze();
      await sleep(seconds * 1_000);
      wake?.();
    },
  },
  {
    id: 'F15',
    title: 'replies that clamd never gives',
    needsScanner: true,
    async strike({ system, random, seconds }) {
      const stop = system.scanner?.lie(random.pick(Object.keys(LIES) as Lie[]));
      await sleep(seconds * 1_000);
      stop?.();
    },
  },
  {
    id: 'F16',
    title: "PostgreSQL's disk full",
    needsDisks: true,
    async strike({ system: { postgres, pool, disks = '' }, seconds }) {
      const empty = fillDisk(disks, 'postgres');
      // The next file of the log has no room either.
      await pool.query('select pg_switch_wal()').catch(() => undefined);
      await sleep(seconds * 1_000);
      empty();
      await postgres.heal();
    },
  },
  {
    id: 'F16',
    title: 'the disk of uploads full',
    needsDisks: true,
    async strike({ system: { disks = '' }, seconds }) {
      const empty = fillDisk(disks, 'data');
      await sleep(seconds * 1_000);
      empty();
    },
  },
  {
    id: 'F16',
    title: "Redis' disk full",
    needsDisks: true,
    backend: 'redis',
    async strike({ system: { redis, disks = '' }, seconds }) {
      const empty = fillDisk(disks, 'redis');
      await sleep(seconds * 1_000);
      empty();
      await redis?.heal();
    },
  },
  {
    id: 'F17',
    title: 'a backlog for one worker, and for three',
    isAlone: true,
    async strike({ system, senders, say, violate }) {
      const one = await drainRate(system, senders, 1);
      const three = await drainRate(system, senders, 3);
      say(`one worker does ${Math.round(one)} a second of a backlog, three ${Math.round(three)}`);
      if (three < one * LEAST_SPEED_UP) violate('three workers are slower than one');
    },
  },
  {
    id: 'F18',
    title: 'rolling SIGTERM',
    async strike({ system, violate }) {
      for (const each of system.processes) {
        await each.live();
        const { code, ms } = await each.roll();
        if (code !== 0 || ms > GRACE_MS)
          violate(`${each.name} ended with ${code} after ${Math.round(ms)} ms of SIGTERM`);
      }
    },
  },
];

export interface FaultChoice {
  backend: Backend;
  /** Of the run. */
  seconds: number;
  hasScanner: boolean;
  hasDisks: boolean;
  /** One row of the table. */
  id?: string | undefined;
}

/** Those that a run has the stores and the time for, or of these one row of the table. */
export function faultsFor({ backend, seconds, hasScanner, hasDisks, id }: FaultChoice): Fault[] {
  const chosen = faults.filter(
    (fault) =>
      (fault.backend ?? backend) === backend &&
      (fault.leastSeconds ?? 0) <= seconds &&
      (id !== undefined || fault.isAlone !== true) &&
      (hasScanner || fault.needsScanner !== true) &&
      (hasDisks || fault.needsDisks !== true) &&
      (id === undefined || fault.id === id),
  );
  if (chosen.length === 0) throw new Error(`there is no fault ${id} on ${backend}`);
  return chosen;
}
