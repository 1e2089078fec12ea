import type { Pool } from '#database/pool.ts';
import type { Producer } from '#queue/producer.ts';
import { chunksOf } from '#runtime/chunks.ts';
import { events, MAX_EVENTS_PER_JOB } from '#webhooks/event-queue.ts';
import { handleEvents } from '#webhooks/handle-events.ts';
import type { EventHandler } from '#webhooks/handler.ts';
import type { ReceiptProcessor } from '#webhooks/process-receipts.ts';
import { MAX_RECEIPTS_PER_JOB, webhooks } from '#webhooks/queue.ts';
import { claimDueEvents, claimDueReceipts } from '#webhooks/relay.ts';
import type { RelayedTable } from './relay.ts';

const DIRECT_LIMIT_MS = 30_000;

export interface RelayedTablesParts {
  pool: Pool;
  producer: Producer;
  processor: ReceiptProcessor;
  handlers: readonly EventHandler[];
}

/** Every table whose rows are their own outbox. */
export function relayedTables({ pool, producer, processor, handlers }: RelayedTablesParts): RelayedTable[] {
  return [
    {
      queue: webhooks,
      claim: (options) => claimDueReceipts(pool, options),
      ring: (ids) =>
        producer.ringMany(
          webhooks,
          chunksOf(ids, MAX_RECEIPTS_PER_JOB).map((receiptIds) => ({ receiptIds })),
        ),
      async work(ids) {
        await Promise.all(ids.map((id) => processor.process(id)));
      },
    },
    {
      queue: events,
      claim: (options) => claimDueEvents(pool, options),
      ring: (ids) =>
        producer.ringMany(
          events,
          chunksOf(ids, MAX_EVENTS_PER_JOB).map((eventIds) => ({ eventIds })),
        ),
      async work(ids) {
        await handleEvents(pool, handlers, ids, AbortSignal.timeout(DIRECT_LIMIT_MS));
      },
    },
  ];
}
