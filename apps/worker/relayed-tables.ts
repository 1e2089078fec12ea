import type { Pool } from '#database/pool.ts';
import type { Producer } from '#queue/producer.ts';
import { chunksOf } from '#runtime/chunks.ts';
import { openTurns } from '#runtime/turns.ts';
import { uploads } from '#uploads/queue.ts';
import type { ScanParts } from '#uploads/scan-parts.ts';
import { scanUpload } from '#uploads/scan-upload.ts';
import { takeDueUploads } from '#uploads/waiting-uploads.ts';
import { events, MAX_EVENTS_PER_JOB } from '#webhooks/event-queue.ts';
import { handleEvents } from '#webhooks/handle-events.ts';
import type { EventHandler } from '#webhooks/handler.ts';
import type { ReceiptProcessor } from '#webhooks/process-receipts.ts';
import { MAX_RECEIPTS_PER_JOB, webhooks } from '#webhooks/queue.ts';
import { claimDueEvents, claimDueReceipts } from '#webhooks/relay.ts';
import type { RelayedTable } from './relay.ts';

const DIRECT_LIMIT_MS = 30_000;
/** At a time, because whoever scans them itself looks at no other table meanwhile. */
const RUNG_UPLOADS = 64;
/** As many as the scanner takes at once. */
const DIRECT_SCANS = 4;

export interface RelayedTablesParts {
  pool: Pool;
  producer: Producer;
  processor: ReceiptProcessor;
  handlers: readonly EventHandler[];
}

export interface RelayedUploadsParts {
  pool: Pool;
  producer: Producer;
  scanning: () => ScanParts;
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

/** Uploads that are not decided yet. While the scanner is away there is nothing to ring for. */
export function relayedUploads({ pool, producer, scanning }: RelayedUploadsParts): RelayedTable {
  return {
    queue: uploads,
    async claim({ limit = RUNG_UPLOADS }) {
      return scanning().guard.state.isReady ? takeDueUploads(pool, Math.min(limit, RUNG_UPLOADS)) : [];
    },
    ring: (ids) =>
      producer.ringMany(
        uploads,
        ids.map((uploadId) => ({ uploadId })),
      ),
    async work(ids) {
      const parts = scanning();
      const inTurn = openTurns(DIRECT_SCANS);
      const scan = (id: string) => inTurn(() => scanUpload(parts, id, AbortSignal.timeout(DIRECT_LIMIT_MS)));
      // One that can't be scanned keeps no other waiting.
      const ends = await Promise.allSettled(ids.map(scan));
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}
