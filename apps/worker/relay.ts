import type { Pool } from '#database/pool.ts';
import type { Producer } from '#queue/producer.ts';
import type { QueueReader } from '#queue/reader.ts';
import { isFailure } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';
import type { ReceiptProcessor } from '#webhooks/process-receipts.ts';
import { MAX_RECEIPTS_PER_JOB, webhooks } from '#webhooks/queue.ts';
import { claimDueReceipts, makeAllDue } from '#webhooks/relay.ts';

const TICK_MS = 500;
/** How long the queue may be silent before this worker claims receipts itself. */
const QUEUE_PATIENCE_MS = 2_000;
/** Above this share of its memory Redis is not rung any more: its workers could not drain it either. */
const MAX_PRESSURE = 0.7;
/** With this many jobs waiting the queue is not silent, only busy: receipts are not rung again before they are overdue. */
const BUSY_JOBS = 32;
const DIRECT_ROWS = 256;

export interface RelayParts {
  pool: Pool;
  reader: QueueReader;
  producer: Producer;
  processor: ReceiptProcessor;
  log: Log;
  now?: () => number;
}

/**
 * Rings again for every receipt that is still open past its time; while the queue is away, processes them itself. It runs
 * on a timer of each worker and not as a scheduled job, because a schedule that lives in the queue can't watch over it.
 */
export function openRelay({ pool, reader, producer, processor, log, now = Date.now }: RelayParts) {
  let silentSinceMs: number | undefined;

  /** One look; @returns how many receipts it rang for or processed. */
  async function tick(): Promise<number> {
    const pace = await paceOf();
    if (pace === 'rest') return 0;
    const ids = await claimDueReceipts(
      pool,
      pace === 'claim' ? { limit: DIRECT_ROWS } : { onlyOverdue: pace === 'overdue' },
    );
    if (ids.length === 0) return 0;
    if (pace === 'claim' || !(await ring(ids))) await Promise.all(ids.map((id) => processor.process(id)));
    return ids.length;
  }

  async function paceOf(): Promise<'ring' | 'overdue' | 'claim' | 'rest'> {
    try {
      if (await reader.wasWiped()) {
        log.info('the queue is new or has lost its jobs: ringing for every open receipt');
        await makeAllDue(pool);
        await reader.markWhole();
      }
      const [{ waiting }, pressure = 0] = await Promise.all([reader.depth(webhooks), reader.pressure()]);
      silentSinceMs = undefined;
      if (pressure > MAX_PRESSURE) return 'claim';
      return waiting >= BUSY_JOBS ? 'overdue' : 'ring';
    } catch (error) {
      if (!isFailure(error, 'queue-unavailable')) throw error;
      silentSinceMs ??= now();
      return now() - silentSinceMs >= QUEUE_PATIENCE_MS ? 'claim' : 'rest';
    }
  }

  async function ring(ids: readonly string[]): Promise<boolean> {
    const jobs = [];
    for (let from = 0; from < ids.length; from += MAX_RECEIPTS_PER_JOB) {
      jobs.push({ receiptIds: ids.slice(from, from + MAX_RECEIPTS_PER_JOB) });
    }
    try {
      await producer.ringMany(webhooks, jobs);
      return true;
    } catch (error) {
      if (isFailure(error, 'queue-unavailable')) return false;
      throw error;
    }
  }

  return { tick, tickMs: TICK_MS };
}
