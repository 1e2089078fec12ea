import { sweepAccess } from '../../libs/access/sweep-access.ts';
import { openPool } from '../../libs/database/pool.ts';
import { openLocalStorage } from '../../libs/uploads/local-storage.ts';
import { sweepDeleted, sweepExpired, sweepOutdated } from '../../libs/uploads/sweep-uploads.ts';
import { sweepReceipts } from '../../libs/webhooks/sweep-receipts.ts';
import { cpuSecondsOf } from '../cpu.ts';
import type { Stores } from '../stores.ts';
import { SIGNATURES } from './fill.ts';

const RETENTION_DAYS = 30;

export interface SweepCost {
  name: string;
  removed: number;
  /** CPU-seconds for 1,000 removed rows, of PostgreSQL and of the sweep itself; undefined where nothing is removed. */
  cpuPer1000: number | undefined;
  /** Milliseconds of a sweep that finds nothing due. */
  idleMs: number;
}

/** Runs the sweeps once for what is due, and once more for nothing. */
export async function sweepCosts(
  databaseUrl: string,
  { postgresPid, scratch }: Pick<Stores, 'postgresPid' | 'scratch'>,
): Promise<SweepCost[]> {
  await using stack = new AsyncDisposableStack();
  const options = { name: 'bench', max: 2, onError: () => undefined };
  const pool = stack.adopt(openPool(databaseUrl, options), (opened) => opened.end());
  const storage = stack.use(await openLocalStorage(scratch));
  const { signal } = new AbortController();
  const sweeps: [name: string, sweep: () => Promise<number>][] = [
    ['receipts and events', () => sweepReceipts(pool, () => RETENTION_DAYS, signal)],
    ['sessions', () => sweepAccess(pool, signal)],
    // All have been scanned with these signatures.
    ['clean uploads to scan again', () => sweepOutdated({ pool, ring: async () => undefined }, SIGNATURES, signal)],
    [
      'uploads',
      async () => (await sweepExpired({ pool, storage }, signal)) + (await sweepDeleted({ pool, storage }, signal)),
    ],
  ];
  const costs: SweepCost[] = [];
  for (const [name, sweep] of sweeps) {
    const cpu = cpuSecondsOf([postgresPid]);
    const own = process.cpuUsage();
    const removed = await sweep();
    const { user, system } = process.cpuUsage(own);
    const used = cpuSecondsOf([postgresPid]) - cpu + (user + system) / 1e6;
    const startedAt = performance.now();
    await sweep();
    const cpuPer1000 = removed === 0 ? undefined : (used / removed) * 1_000;
    costs.push({ name, removed, cpuPer1000, idleMs: performance.now() - startedAt });
  }
  return costs;
}
