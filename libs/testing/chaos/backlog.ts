import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';
import type { WebhookSenders } from '#testing/chaos/send-webhooks.ts';
import type { ChaosSystem } from '#testing/chaos/system.ts';

const BACKLOG = 10_000;
/** What the steady load has open at any time. */
const IN_PASSING = 300;
const LOOK_MS = 100;
const DRAIN_LIMIT_MS = 180_000;

/** Lets a backlog grow while no worker runs. @returns how many a second so many workers do of it, their start included */
export async function drainRate(
  { pool, workers }: ChaosSystem,
  senders: WebhookSenders,
  count: number,
): Promise<number> {
  const releases = await Promise.all(workers.map((worker) => worker.hold()));
  await senders.flood(BACKLOG);
  const open = await openRows(pool);
  const startedAt = performance.now();
  for (const release of releases.slice(0, count)) release();
  while ((await openRows(pool)) > IN_PASSING) {
    if (performance.now() - startedAt > DRAIN_LIMIT_MS) throw new Error(`a backlog of ${open} was not drained`);
    await sleep(LOOK_MS);
  }
  const rate = (open * 1_000) / (performance.now() - startedAt);
  for (const release of releases) release();
  await Promise.all(workers.map((worker) => worker.live()));
  return rate;
}

async function openRows(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ open: number }>(`
    select (select count(*) from webhook_log where state = 'open') + (select count(*) from webhook_event where state = 'open')
      as open`);
  return rows[0]?.open ?? 0;
}
