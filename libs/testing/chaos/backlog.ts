import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';
import type { WebhookSenders } from '#testing/chaos/send-webhooks.ts';
import type { ChaosSystem } from '#testing/chaos/system.ts';

const BACKLOG = 10_000;
/** What the steady load has open at any time. */
const IN_PASSING = 300;
/** Until so much of it is done, workers are still starting. */
const WARM_UP_SHARE = 0.2;
const LOOK_MS = 50;
const DRAIN_LIMIT_MS = 180_000;
/** In turns, so that what else the machine does falls on both alike. */
const ROUNDS = [
  [1, 3],
  [3, 1],
  [1, 3],
] as const;

/** Lets backlogs grow and be drained by one worker and by three. @returns the median rate of each, in rows a second */
export async function drainRates(
  system: ChaosSystem,
  senders: WebhookSenders,
  say: (line: string) => void,
): Promise<{ one: number; three: number }> {
  const rates: Record<1 | 3, number[]> = { 1: [], 3: [] };
  for (const count of ROUNDS.flat()) {
    const rate = await drainRate(system, senders, count);
    say(`a backlog for ${count}: ${Math.round(rate)} a second`);
    rates[count].push(rate);
  }
  return { one: medianOf(rates[1]), three: medianOf(rates[3]) };
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** Lets a backlog grow while no worker runs. @returns how many a second so many workers do of it once they have begun */
async function drainRate({ pool, workers }: ChaosSystem, senders: WebhookSenders, count: number): Promise<number> {
  const releases = await Promise.all(workers.map((worker) => worker.hold()));
  await senders.flood(BACKLOG);
  const whole = await openRows(pool);
  for (const release of releases.slice(0, count)) release();
  const begun = await untilBelow(pool, whole * (1 - WARM_UP_SHARE));
  const ended = await untilBelow(pool, IN_PASSING);
  for (const release of releases) release();
  await Promise.all(workers.map((worker) => worker.live()));
  return ((begun.open - ended.open) * 1_000) / (ended.atMs - begun.atMs);
}

async function untilBelow(pool: Pool, limit: number): Promise<{ open: number; atMs: number }> {
  const givesUpAtMs = performance.now() + DRAIN_LIMIT_MS;
  while (true) {
    const open = await openRows(pool);
    const atMs = performance.now();
    if (open <= limit) return { open, atMs };
    if (atMs > givesUpAtMs) throw new Error(`${open} of a backlog were not done`);
    await sleep(LOOK_MS);
  }
}

async function openRows(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ open: number }>(`
    select (select count(*) from webhook_log where state = 'open') + (select count(*) from webhook_event where state = 'open')
      as open`);
  return rows[0]?.open ?? 0;
}
