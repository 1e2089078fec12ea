import { setTimeout as sleep } from 'node:timers/promises';
import { trailState } from '#audit/trail-state.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import type { Pool } from '#database/pool.ts';
import { ACKNOWLEDGED, POISONED, REFUSED, type Ledger } from '#testing/chaos/ledger.ts';
import { KEY_IN_SQL } from '#testing/chaos/message.ts';
import type { Supervised } from '#testing/chaos/supervised.ts';

/** How the ledger compares with the database. */
export interface Comparison {
  acknowledged: number;
  lost: number;
  doubled: number;
  /** Effects of what was refused. */
  phantom: number;
  faults: string[];
}

const LOOK_MS = 250;
const SHOWN = 5;

/** Waits until nothing is open but what is poison, as long as it gets less within `stuckMs`. @returns how long it took, in ms */
export async function untilDrained(pool: Pool, stuckMs: number): Promise<number> {
  const startedAt = performance.now();
  let least = { open: Number.POSITIVE_INFINITY, sinceMs: startedAt };
  while (true) {
    const { rows } = await pool.query<{ open: number }>(`
      select ((select count(*) from webhook_log where state = 'open')
        + (select count(*) from webhook_event where state = 'open' and coalesce(raw::text, '') not like '%poison-that-%')
        + (select count(*) from upload where status in ('quarantined', 'scanning')))::int as open`);
    const open = rows[0]?.open ?? 0;
    const now = performance.now();
    if (open === 0) return now - startedAt;
    if (open < least.open) least = { open, sinceMs: now };
    if (now - least.sinceMs > stuckMs) throw new Error(`${open} rows are still open, and do not get less`);
    await sleep(LOOK_MS);
  }
}

const TABLES = {
  receipt: `select substring(convert_from(body, 'UTF8') from $1) as key from webhook_log where verdict = 'accepted'`,
  event: 'select substring(raw::text from $1) as key from webhook_event',
  effect: 'select substring(key from $1) as key from chaos_effect',
} as const;

/** Each acknowledged webhook has one receipt, one event and one effect; nothing that was refused has any. */
export async function compareWithLedger(pool: Pool, ledger: Ledger): Promise<Comparison> {
  const lost = new Set<number>();
  const doubled = new Set<number>();
  const phantom = new Set<number>();
  const faults: string[] = [];
  for (const [what, table] of Object.entries(TABLES)) {
    const { rows } = await pool.query<{ n: number; count: number }>(
      `select substring(key from '^wamid\\.chaos\\.\\d+\\.(\\d+)')::int8 as n, count(*) as count from (${table}) as rows
       group by 1`,
      [KEY_IN_SQL],
    );
    const counts = new Map(rows.map(({ n, count }) => [n, count]));
    for (const [n, standing] of ledger.standing.entries()) {
      const count = counts.get(n) ?? 0;
      const isExpected = standing === ACKNOWLEDGED || (standing === POISONED && what !== 'effect');
      if (isExpected && count === 0) lost.add(n);
      if (count > 1) doubled.add(n);
      if ((standing === REFUSED || (standing === POISONED && what === 'effect')) && count > 0) phantom.add(n);
    }
    const wrong = [...lost, ...doubled, ...phantom].slice(0, SHOWN);
    if (wrong.length > 0)
      faults.push(`${what}: lost ${lost.size}, doubled ${doubled.size}, phantom ${phantom.size} (${wrong.join(', ')})`);
  }
  return { acknowledged: ledger.acknowledged, lost: lost.size, doubled: doubled.size, phantom: phantom.size, faults };
}

/** The chain of security events holds, and its tail gets its seals. @returns what is wrong */
export async function checkTrail(pool: Pool, limitMs: number): Promise<string[]> {
  const startedAt = performance.now();
  while ((await trailState(pool)).unsealed > 0) {
    if (performance.now() - startedAt > limitMs) return ['security events are still without a seal'];
    await sleep(LOOK_MS);
  }
  const { fault } = await verifyChain(pool);
  return fault === undefined ? [] : [`the chain of security events is broken: ${JSON.stringify(fault)}`];
}

const MIB = 1_024 * 1_024;
const LEAST_SAMPLES = 12;
const MAX_GROWTH_BYTES = 48 * MIB;
const MAX_GROWTH_SHARE = 0.5;

/**
 * Fits a line to what is alive in each process in the second half of its life, and says whose rises. A life that a fault cut
 * short is not judged. @returns how many were
 */
export function checkMemory(processes: readonly Supervised[]): { lives: number; faults: string[] } {
  let lives = 0;
  const faults = processes.flatMap(({ name, memory }) =>
    [...memory.values()].flatMap((samples) => {
      const late = samples.slice(Math.floor(samples.length / 2));
      if (late.length < LEAST_SAMPLES) return [];
      lives += 1;
      const { slope, mean } = lineThrough(late.map(({ atMs, live }) => [atMs, live]));
      const growth = slope * ((late.at(-1)?.atMs ?? 0) - (late[0]?.atMs ?? 0));
      const grows = growth > MAX_GROWTH_BYTES && growth > mean * MAX_GROWTH_SHARE;
      return grows ? [`${name} grew by ${Math.round(growth / MIB)} MiB over the second half of its life`] : [];
    }),
  );
  return { lives, faults };
}

function lineThrough(points: readonly (readonly [number, number])[]): { slope: number; mean: number } {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const mean = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - mean), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return { slope: under === 0 ? 0 : over / under, mean };
}
