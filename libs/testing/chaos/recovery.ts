import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';
import type { Fault } from '#testing/chaos/fault.ts';

/** What was measured after one blow. Undefined: it was not seen within the limit. */
export interface Recovery {
  id: string;
  title: string;
  mark: Fault['mark'];
  drainedMs: number | undefined;
  resumedMs: number | undefined;
  /** What the fault itself found to take too long. */
  missed: string[];
}

const LOOK_MS = 50;
const LIMIT_MS = 90_000;

/** A commit may show a row this much later than the row says that it was written. */
const OVERLAP_MS = 250;

const OPEN_AT_THE_BLOW = ['webhook_log', 'webhook_event'].map((table) => {
  const since = table === 'webhook_log' ? 'received_at' : 'created_at';
  return `(select '${table}' as "table", id from ${table} where state = 'open' and attempts = 0 and ${since} <= $1
    order by next_check_at desc limit 1)`;
});

export interface Watch {
  /** The blow has landed only now. */
  landed(): void;
  /** What was seen within the limit. */
  recovery(): Promise<Recovery>;
}

/** Watches from the blow until all that was open then has had its effect, and something that came later too. */
export function watchRecovery(pool: Pool, fault: Fault): Watch {
  const watch = async (superseded: AbortSignal): Promise<Recovery> => {
    const { id, title, mark } = fault;
    const recovery: Recovery = { id, title, mark, drainedMs: undefined, resumedMs: undefined, missed: [] };
    const struckAt = new Date();
    const startedAt = performance.now();
    const look = openLook(pool, struckAt);
    while (!superseded.aborted && performance.now() - startedAt < LIMIT_MS) {
      const isDrained = recovery.drainedMs !== undefined || (await answered(() => look.isDrained()));
      if (isDrained) recovery.drainedMs ??= Math.round(performance.now() - startedAt);
      const isResumed = recovery.resumedMs !== undefined || (await answered(() => look.isResumed()));
      if (isResumed) recovery.resumedMs ??= Math.round(performance.now() - startedAt);
      if (recovery.drainedMs !== undefined && recovery.resumedMs !== undefined) break;
      await sleep(LOOK_MS);
    }
    return recovery;
  };
  let current = new AbortController();
  let watching = watch(current.signal);
  return {
    landed() {
      current.abort();
      current = new AbortController();
      watching = watch(current.signal);
    },
    recovery: () => watching,
  };
}

/** Looks that cost little however much is open: what was seen once is not read again. */
function openLook(pool: Pool, struckAt: Date): { isDrained(): Promise<boolean>; isResumed(): Promise<boolean> } {
  let candidate: { table: string; id: string } | undefined;
  let seenUntil = struckAt;
  return {
    async isDrained() {
      if (candidate !== undefined) {
        const { table, id } = candidate;
        const { rows } = await pool.query(`select from ${table} where id = $1 and state = 'open' and attempts = 0`, [
          id,
        ]);
        if (rows.length > 0) return false;
      }
      const { rows } = await pool.query<{ table: string; id: string }>(OPEN_AT_THE_BLOW.join(' union all '), [
        struckAt,
      ]);
      [candidate] = rows;
      return candidate === undefined;
    },
    async isResumed() {
      const { rows } = await pool.query<{ isLater: boolean | null; until: Date | null }>(
        `select bool_or(event.created_at > $1) as "isLater", max(applied_at) as until
         from webhook_effect join webhook_event event on event.id = event_id where applied_at > $2`,
        [struckAt, new Date(seenUntil.getTime() - OVERLAP_MS)],
      );
      seenUntil = rows[0]?.until ?? seenUntil;
      return rows[0]?.isLater === true;
    },
  };
}

/** False while PostgreSQL is away. */
async function answered(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look();
  } catch {
    return false;
  }
}

/** What took longer than its fault allows, in words. */
export function lateIn({ mark, drainedMs, resumedMs, missed }: Recovery): string[] {
  if (mark === undefined) return missed;
  const ms = mark.what === 'drained' ? drainedMs : resumedMs;
  return ms === undefined || ms > mark.ms ? [...missed, `not ${mark.what} within ${mark.ms} ms`] : missed;
}
