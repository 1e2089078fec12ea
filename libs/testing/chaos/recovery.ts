import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';
import type { Fault } from '#testing/chaos/faults.ts';

/** What was measured after one blow. Undefined: it was not seen within the limit. */
export interface Recovery {
  id: string;
  title: string;
  mark: Fault['mark'];
  drainedMs: number | undefined;
  resumedMs: number | undefined;
}

const LOOK_MS = 50;
const LIMIT_MS = 90_000;

const LEFT = `
  select (exists (select from webhook_log where state = 'open' and attempts = 0 and received_at <= $1)
    or exists (select from webhook_event where state = 'open' and attempts = 0 and created_at <= $1)) as open,
    exists (select from webhook_effect where applied_at > $1 and event_id in
      (select id from webhook_event where created_at > $1 order by created_at limit 20)) as effect`;

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
    const recovery: Recovery = { id, title, mark, drainedMs: undefined, resumedMs: undefined };
    const struckAt = new Date();
    const startedAt = performance.now();
    while (!superseded.aborted && performance.now() - startedAt < LIMIT_MS) {
      const row = await look(pool, struckAt);
      const ms = Math.round(performance.now() - startedAt);
      if (row?.open === false) recovery.drainedMs ??= ms;
      if (row?.effect === true) recovery.resumedMs ??= ms;
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

/** Undefined while PostgreSQL is away. */
async function look(pool: Pool, struckAt: Date): Promise<{ open: boolean; effect: boolean } | undefined> {
  try {
    return (await pool.query<{ open: boolean; effect: boolean }>(LEFT, [struckAt])).rows[0];
  } catch {
    return undefined;
  }
}

/** Whether it took longer than its mark allows. */
export function isLate({ mark, drainedMs, resumedMs }: Recovery): boolean {
  if (mark === undefined) return false;
  const ms = mark.what === 'drained' ? drainedMs : resumedMs;
  return ms === undefined || ms > mark.ms;
}
