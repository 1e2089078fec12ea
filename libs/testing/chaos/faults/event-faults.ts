import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';
import type { Fault } from '#testing/chaos/fault.ts';
import { POISON } from '#testing/chaos/message.ts';

const PARKED_MS = 180_000;
const ABORTED = 128 + 6;
const KILLED = 128 + 9;
const LOOK_MS = 250;

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

/** Events that nobody can do, and one that comes a hundred times. */
export const eventFaults: readonly Fault[] = [
  { id: 'F13', title: '100 copies at once', strike: ({ senders }) => senders.burst(100) },
  { id: 'F14', title: 'an event whose handler throws', strike: ({ senders }) => senders.poison('throws') },
  deadlyPoison('kills', 'an event that ends its worker', []),
  deadlyPoison('fills', 'an event that takes all memory', [ABORTED]),
  deadlyPoison('blocks', 'an event that stops the event loop', [KILLED]),
];
