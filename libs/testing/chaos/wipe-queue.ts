import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '#database/pool.ts';

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
