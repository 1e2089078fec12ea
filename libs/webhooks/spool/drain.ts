import { readFile } from 'node:fs/promises';
import { isDatabaseUnavailable, type Queryable } from '#database/pool.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { isAccepted, type ReceiptDraft } from '#webhooks/receipt.ts';
import { readSegment, type ReadSegment } from '#webhooks/spool/frame.ts';
import { isGone } from '#webhooks/spool/segment.ts';
import type { ClosedSegment, Spool } from '#webhooks/spool/spool.ts';

const BATCH_ROWS = 256;
const BATCH_BYTES = 8 * 1024 * 1024;

export interface DrainOptions {
  spool: Pick<Spool, 'oldest' | 'remove' | 'setAside'>;
  client: Queryable;
  /** Called after each commit with the new receipts that want processing. */
  onCommitted: (receiptIds: string[]) => void;
  /** Called after each commit, and when there is nothing to drain: the database takes receipts. */
  onTaken: () => void;
  /** Called where bytes are lost, or rows are refused: the segment is kept for people to look at. */
  onSetAside: (about: { path: string; damagedBytes: number; refusedRows: number }) => void;
  signal: AbortSignal;
  now?: () => number;
}

/**
 * Moves all receipts of the spool into the journal, in their order. A receipt that is there already, because a drain was
 * cut off or its first write was only slow, is left as it is.
 * @returns how many were moved. @throws the error of an unavailable database; what is left is drained later.
 */
export async function drainSpool(options: DrainOptions): Promise<number> {
  const { spool, signal } = options;
  let moved = 0;
  for (;;) {
    const segment = signal.aborted ? undefined : await spool.oldest();
    if (segment === undefined) break;
    const kept = await read(segment);
    if (kept === undefined) {
      await spool.remove(segment);
      continue;
    }
    const { drafts, damagedBytes } = kept;
    let refusedRows = 0;
    for (const batch of batchesOf(drafts)) {
      const refused = await insertBatch(options, batch);
      refusedRows += refused;
      moved += batch.length - refused;
      options.onTaken();
    }
    if (damagedBytes + refusedRows === 0) await spool.remove(segment);
    else {
      await spool.setAside(segment);
      options.onSetAside({ path: segment.path, damagedBytes, refusedRows });
    }
  }
  options.onTaken();
  return moved;
}

/** A file that the disk does not give back holds up no other; undefined if another process has taken it over. */
async function read({ path, bytes }: ClosedSegment): Promise<ReadSegment | undefined> {
  try {
    return readSegment(await readFile(path));
  } catch (error) {
    if (isGone(error)) return undefined;
    return { drafts: [], tornBytes: 0, damagedBytes: bytes };
  }
}

function* batchesOf(drafts: readonly ReceiptDraft[]): Generator<ReceiptDraft[]> {
  let batch: ReceiptDraft[] = [];
  let bytes = 0;
  for (const draft of drafts) {
    const size = draft.body?.length ?? 0;
    if (batch.length > 0 && (batch.length >= BATCH_ROWS || bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(draft);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** @returns how many rows the database refuses to hold. */
async function insertBatch(options: DrainOptions, drafts: readonly ReceiptDraft[]): Promise<number> {
  const { client, onCommitted, now = Date.now } = options;
  try {
    const fresh = await withoutKnown(client, drafts);
    if (fresh.length === 0) return 0;
    const stored = await insertReceipts(client, fresh, now());
    const wanting = stored.filter((receipt, index) => !receipt.isCopy && isAccepted(fresh[index] as ReceiptDraft));
    if (wanting.length > 0) onCommitted(wanting.map(({ id }) => id));
    return 0;
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    if (drafts.length === 1) return 1;
    const middle = drafts.length >> 1;
    return (await insertBatch(options, drafts.slice(0, middle))) + (await insertBatch(options, drafts.slice(middle)));
  }
}

async function withoutKnown(client: Queryable, drafts: readonly ReceiptDraft[]): Promise<ReceiptDraft[]> {
  const { rows } = await client.query<{ id: string }>({
    name: 'receipts-known',
    text: 'select id from webhook_log where id = any($1::uuid[])',
    values: [drafts.map(({ id }) => id)],
  });
  const known = new Set(rows.map(({ id }) => id));
  return drafts.filter(({ id }) => !known.has(id));
}
