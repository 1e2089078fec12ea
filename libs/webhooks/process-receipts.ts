import { databaseFailure, inTransaction, isDatabaseUnavailable, type Pool, type PoolClient } from '#database/pool.ts';
import { openBatcher } from '#runtime/batcher.ts';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { whileTraced, type Span, type Traces } from '#runtime/traces.ts';
import type { Expansion } from '#webhooks/event.ts';
import { expand } from '#webhooks/expand.ts';
import { heardStatus, keepMessageStatuses } from '#webhooks/keep-message-statuses.ts';
import { insertEvents, type NewEvent } from '#webhooks/insert-events.ts';
import { LOCK_ORDER } from '#webhooks/insert-receipts.ts';
import { countAttempt } from '#webhooks/receipt-attempts.ts';
import type { ProviderName } from '#webhooks/providers.ts';
import { STILL_OPEN } from '#webhooks/still-open.ts';

const MAX_BATCH_ROWS = 256;
/** Bodies in memory at once; a batch that holds more is read in parts. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const BATCHES_IN_FLIGHT = 2;
const MAX_WAITING_ROWS = 100_000;
const MAX_WAIT_MS = 600_000;

interface OpenReceipt {
  id: string;
  source: string;
  provider: ProviderName;
  headers: Record<string, string>;
  body: Buffer;
  sha256: Buffer;
  correlation_id: string;
  traceparent: string | null;
}

/**
 * What became of a receipt: `closed` here, `settled` before, `dead` here, or still open after an attempt that `failed` and
 * was counted.
 */
export type ReceiptOutcome = 'closed' | 'settled' | 'dead' | 'failed';

export interface ReceiptProcessor {
  /**
   * Turns a receipt into its events and closes it, once however often it is called.
   * @throws Failure `database-unavailable`: nothing was done and no attempt is spent.
   */
  process(receiptId: string): Promise<ReceiptOutcome>;
  drain(): Promise<void>;
}

export interface ReceiptProcessorOptions {
  pool: Pool;
  /** Whether a handler wants events of this type; others are closed as they are inserted. */
  wants: (type: string) => boolean;
  /** Called after a commit with the new events that wait for handlers. */
  onEvents: (eventIds: string[]) => void;
  traces?: Traces | undefined;
}

/** Receipts of many jobs are read and closed together: a transaction each would cost three times as much. */
export function openReceiptProcessor(options: ReceiptProcessorOptions): ReceiptProcessor {
  const { pool } = options;
  const batcher = openBatcher<string, ReceiptOutcome>({
    write: (ids) => processBatch(options, ids),
    isItemFault: (error) => !isDatabaseUnavailable(error),
    bytesOf: () => 1,
    maxRows: MAX_BATCH_ROWS,
    maxBatchBytes: MAX_BATCH_ROWS,
    maxInFlight: BATCHES_IN_FLIGHT,
    maxWaitingRows: MAX_WAITING_ROWS,
    maxWaitingBytes: MAX_WAITING_ROWS,
    maxAgeMs: MAX_WAIT_MS,
    full: 'journal-full',
  });
  return {
    async process(receiptId) {
      try {
        return await batcher.add(receiptId);
      } catch (error) {
        if (isDatabaseUnavailable(error)) throw databaseFailure(error);
        if (error instanceof Failure) throw error;
        return countAttempt(pool, receiptId, error);
      }
    },
    drain: () => batcher.idle(),
  };
}

async function processBatch(options: ReceiptProcessorOptions, ids: readonly string[]): Promise<ReceiptOutcome[]> {
  const outcomes = new Map<string, ReceiptOutcome>();
  let rest = ids;
  while (rest.length > 0) {
    const receipts = await readOpen(options.pool, rest);
    for (const [id, outcome] of await closeAll(options, receipts)) outcomes.set(id, outcome);
    const isCutOff = receipts.reduce((sum, receipt) => sum + receipt.body.length, 0) >= MAX_BATCH_BYTES;
    const seen = new Set(receipts.map((receipt) => receipt.id));
    rest = isCutOff ? rest.filter((id) => !seen.has(id)) : [];
  }
  return ids.map((id) => outcomes.get(id) ?? 'settled');
}

async function readOpen(pool: Pool, ids: readonly string[]): Promise<OpenReceipt[]> {
  const { rows } = await pool.query<OpenReceipt>({
    name: 'receipts-open',
    text: `
      select id, source, provider, headers, body, sha256, correlation_id, traceparent
      from (
        select *, sum(size_bytes) over (order by id) - size_bytes as bytes_before
        from webhook_log where id = any($1::uuid[]) and ${STILL_OPEN}
      ) as open
      where bytes_before < $2`,
    values: [ids, MAX_BATCH_BYTES],
  });
  return rows;
}

async function closeAll(
  { pool, wants, onEvents, traces }: ReceiptProcessorOptions,
  receipts: readonly OpenReceipt[],
): Promise<Map<string, ReceiptOutcome>> {
  const expanded = receipts.map((receipt) => ({ receipt, expansion: expand(receipt.provider, receipt) }));
  const outcomes = new Map<string, ReceiptOutcome>();
  if (expanded.length === 0) return outcomes;
  const close = async (client: PoolClient): Promise<string[]> => {
    const closed = await closeReceipts(client, expanded);
    const drafts: NewEvent[] = [];
    for (const { receipt, expansion } of expanded) {
      if (!closed.has(receipt.id)) continue;
      outcomes.set(receipt.id, expansion.ok ? 'closed' : 'dead');
      if (expansion.ok) for (const event of expansion.events) drafts.push({ id: newId(), receipt, event });
    }
    const inserted = await insertEvents(client, drafts, wants);
    await keepMessageStatuses(
      client,
      drafts
        .map(({ id, receipt, event }) => heardStatus(receipt.source, id, event))
        .filter((heard) => heard !== undefined),
    );
    return inserted;
  };
  const waiting = await whileTraced(spansOf(traces, receipts), () => inTransaction(pool, close));
  if (waiting.length > 0) onEvents(waiting);
  return outcomes;
}

function spansOf(traces: Traces | undefined, receipts: readonly OpenReceipt[]): Span[] {
  if (traces === undefined) return [];
  return receipts.map(({ id, traceparent }) =>
    traces.start('process receipt', {
      kind: 'consumer',
      parent: traceparent,
      attributes: { 'portcullis.receipt': id },
    }),
  );
}

/** Closes what is still open; a row that is not among the answers was closed by somebody else. */
async function closeReceipts(
  client: PoolClient,
  expanded: readonly { receipt: OpenReceipt; expansion: Expansion }[],
): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string }>({
    name: 'receipts-close',
    text: `
      with expanded as (
        select id, error from unnest($1::uuid[], $2::text[]) as given (id, error)
      ), locked as (
        select webhook_log.id, error from webhook_log join expanded using (id)
        where ${STILL_OPEN} order by ${LOCK_ORDER} for update of webhook_log
      )
      update webhook_log
      set state = case when error is null then 'done' else 'dead' end, last_error = error,
          next_check_at = null, closed_at = clock_timestamp()
      from locked where webhook_log.id = locked.id
      returning webhook_log.id`,
    values: [
      expanded.map(({ receipt }) => receipt.id),
      expanded.map(({ expansion }) => (expansion.ok ? null : expansion.reason)),
    ],
  });
  return new Set(rows.map((row) => row.id));
}
