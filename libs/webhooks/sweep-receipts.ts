import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '#database/pool.ts';
import { integer } from '#runtime/config.ts';

export const retentionSettings = {
  /** Days that receipts and events are kept; never less than Meta may send again. */
  WEBHOOK_RETENTION_DAYS: integer(8, 3_650).default(30),
};

const BATCH_ROWS = 1_000;
const REST_MS = 20;

/** Removes closed receipts and events past their time, in small batches that wait for nobody. @returns rows removed */
export async function sweepReceipts(client: Queryable, retentionDays: number, signal: AbortSignal): Promise<number> {
  let total = 0;
  for (const remove of [REMOVE_RECEIPTS, REMOVE_EVENTS]) {
    let removed = BATCH_ROWS;
    while (removed === BATCH_ROWS && !signal.aborted) {
      removed = (await client.query(remove, [retentionDays, BATCH_ROWS])).rowCount ?? 0;
      total += removed;
      await sleep(REST_MS);
    }
  }
  return total;
}

const REMOVE_RECEIPTS = `
  delete from webhook_log where id in (
    select id from webhook_log
    where received_at < now() - make_interval(days => $1) and state <> 'open'
    order by received_at limit $2 for update skip locked)`;

const REMOVE_EVENTS = `
  delete from webhook_event where id in (
    select id from webhook_event
    where created_at < now() - make_interval(days => $1) and state <> 'open'
    order by created_at limit $2 for update skip locked)`;
