import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';
import type { Fault, Struck } from '#testing/chaos/fault.ts';
import { POISON } from '#testing/chaos/message.ts';
import { effectP99 } from '#testing/chaos/neighbours.ts';

const PARKED_MS = 180_000;
const ABORTED = 128 + 6;
const KILLED = 128 + 9;
const LOOK_MS = 250;
const BEFORE_MS = 15_000;
const SETTLE_MS = 2_000;
const MAX_SLOW_DOWN = 2;
/** Less than this is what a machine does by itself. */
const LEAST_P99_MS = 50;

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

/** Whether what comes with the poison, until `work` is done and some seconds more, takes effect as fast as what came before. */
async function sparesNeighbours(
  { system: { pool }, seconds, say, miss }: Struck,
  work: () => Promise<void>,
): Promise<void> {
  const struckAt = new Date();
  const before = await effectP99(pool, new Date(struckAt.getTime() - BEFORE_MS), struckAt);
  await work();
  await sleep(seconds * 1_000);
  const until = new Date();
  // What has only just come has had no time yet.
  await sleep(SETTLE_MS);
  const after = await effectP99(pool, struckAt, until);
  say(`p99 to the effect: ${Math.round(before)} ms before the poison, ${Math.round(after)} ms with it`);
  if (after > MAX_SLOW_DOWN * Math.max(before, LEAST_P99_MS))
    miss(`its neighbours' p99 rose to ${Math.round(after)} ms`);
}

/** Poison that its workers do not survive; the codes are how they end by it. */
function deadlyPoison(kind: keyof typeof POISON, title: string, codes: readonly number[]): Fault {
  return {
    id: 'F14',
    title,
    leastSeconds: 60,
    async strike(struck) {
      const { system, senders, violate } = struck;
      for (const worker of system.workers) worker.excuse(codes);
      await sparesNeighbours(struck, async () => {
        await senders.poison(kind);
        if (!(await parksPoison(system.pool, kind))) violate(`${title} was not parked`);
      });
      await system.live();
      for (const worker of system.workers) worker.excuse([]);
    },
  };
}

/** Events that nobody can do, and one that comes a hundred times. */
export const eventFaults: readonly Fault[] = [
  { id: 'F13', title: '100 copies at once', strike: ({ senders }) => senders.burst(100) },
  {
    id: 'F14',
    title: 'an event whose handler throws',
    strike: (struck) => sparesNeighbours(struck, () => struck.senders.poison('throws')),
  },
  deadlyPoison('kills', 'an event that ends its worker', []),
  // On a busy machine the collector holds the event loop for so long that the watch thread ends the worker first.
  deadlyPoison('fills', 'an event that takes all memory', [ABORTED, KILLED]),
  deadlyPoison('blocks', 'an event that stops the event loop', [KILLED]),
];
