import { databaseFailure, isDatabaseUnavailable, type Pool } from '#database/pool.ts';
import { openBatcher } from '#runtime/batcher.ts';
import { openDeadlines } from '#runtime/deadlines.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { isAccepted, type ReceiptDraft, type StoredReceipt } from '#webhooks/receipt.ts';

/** From the last byte of the body to the answer it may take 1.5 s; this leaves some of them to verifying and answering. */
export const APPEND_LIMIT_MS = 1_450;
const MAX_BATCH_ROWS = 256;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const MAX_WAITING_ROWS = 8_192;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const BATCHES_IN_FLIGHT = 2;
/** Longer than a commit on a healthy disk, far shorter than a sender's patience. */
const GATHER_MS = 20;
const ROW_OVERHEAD_BYTES = 512;

export interface JournalOptions {
  /** A small pool of the journal's own: a batch occupies one connection, and at most two are in flight. */
  pool: Pool;
  /** Called after each commit with the new receipts that want processing. */
  onCommitted: (receiptIds: string[]) => void;
  /** Told how many receipts a commit held, copies included. */
  onBatch?: (rows: number) => void;
  now?: () => number;
}

export interface Journal {
  /**
   * Resolves when the receipt is committed and synced.
   * @throws Failure `journal-full` or `database-unavailable`: then it may or may not be stored, and the sender must send again.
   */
  append(draft: ReceiptDraft): Promise<StoredReceipt>;
  readonly waiting: number;
  /** Waits until all that was appended is settled. */
  drain(): Promise<void>;
}

/** The durable log of accepted webhooks, written by adaptive group commit. */
export function openJournal({ pool, onCommitted, onBatch, now = Date.now }: JournalOptions): Journal {
  const batcher = openBatcher<ReceiptDraft, StoredReceipt>({
    write: async (drafts) => {
      const stored = await insertReceipts(pool, drafts, now()).catch((error: unknown) => {
        throw databaseFailure(error);
      });
      onBatch?.(stored.length);
      const fresh = stored.filter((receipt, index) => !receipt.isCopy && isAccepted(drafts[index] as ReceiptDraft));
      if (fresh.length > 0) onCommitted(fresh.map((receipt) => receipt.id));
      return stored;
    },
    isItemFault: (error) => !isDatabaseUnavailable(error),
    bytesOf: (draft) => (draft.body?.length ?? 0) + ROW_OVERHEAD_BYTES,
    maxRows: MAX_BATCH_ROWS,
    maxBatchBytes: MAX_BATCH_BYTES,
    maxInFlight: BATCHES_IN_FLIGHT,
    gatherMs: GATHER_MS,
    maxWaitingRows: MAX_WAITING_ROWS,
    maxWaitingBytes: MAX_WAITING_BYTES,
    maxAgeMs: APPEND_LIMIT_MS,
    full: 'journal-full',
    now,
  });
  const deadlines = openDeadlines(APPEND_LIMIT_MS);
  return {
    get waiting() {
      return batcher.waiting;
    },
    append: (draft) => deadlines.within(batcher.add(draft), 'database-unavailable'),
    drain: () => batcher.idle(),
  };
}
