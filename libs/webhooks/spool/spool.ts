import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openBatcher } from '#runtime/batcher.ts';
import { within } from '#runtime/deadline.ts';
import { Failure, isFailure } from '#runtime/failure.ts';
import type { ReceiptDraft, StoredReceipt } from '#webhooks/receipt.ts';
import { claimDirectory, SEGMENT_SUFFIX, segmentName } from '#webhooks/spool/claim.ts';
import { frameBytes } from '#webhooks/spool/frame.ts';
import { openKnownKeys } from '#webhooks/spool/known-keys.ts';
import { isGone, openSegment, type OpenSegment } from '#webhooks/spool/segment.ts';

const SEGMENT_BYTES = 8 * 1024 * 1024;
const MAX_BATCH_ROWS = 256;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const MAX_WAITING_ROWS = 8_192;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const MAX_AGE_MS = 1_500;
/** With less than this left, no receipt may be counted on to fit. */
const ROOM_BYTES = 64 * 1024;

/** A segment that takes no more and waits to be drained. */
export interface ClosedSegment {
  path: string;
  bytes: number;
}

/** Receipts on the local disk, while the database can't take them. */
export interface Spool {
  /**
   * Resolves when the receipt is on disk and synced.
   * @throws Failure `journal-full` past the bound, or where the disk refuses: then it may or may not be stored.
   */
  add(draft: ReceiptDraft, limitMs: number): Promise<StoredReceipt>;
  readonly usedBytes: number;
  readonly maxBytes: number;
  readonly hasRoom: boolean;
  /** The oldest receipts, whose file is written no more; undefined if there are none. */
  oldest(): Promise<ClosedSegment | undefined>;
  /** Forgets a segment that is drained. */
  remove(segment: ClosedSegment): Promise<void>;
  /** Keeps a segment for people to look at. */
  setAside(segment: ClosedSegment): Promise<void>;
  /** Takes over what processes that are gone have left. @returns segments */
  adopt(): Promise<number>;
  close(): Promise<void>;
}

export interface SpoolOptions {
  /** Shared by all processes of this machine; each makes a directory of its own in it. */
  root: string;
  /** Of this process, what it adopts included. */
  maxBytes: number;
  now?: () => number;
}

export async function openSpool({ root, maxBytes, now = Date.now }: SpoolOptions): Promise<Spool> {
  const directory = await claimDirectory(root);
  const closed: ClosedSegment[] = [];
  const known = openKnownKeys();
  let active: OpenSegment | undefined;
  let closedBytes = 0;
  let promisedBytes = 0;

  const usedBytes = (): number => closedBytes + (active?.bytes ?? 0);

  async function closeActive(): Promise<void> {
    const segment = active;
    if (segment === undefined) return;
    active = undefined;
    closed.push({ path: segment.path, bytes: segment.bytes });
    closedBytes += segment.bytes;
    await segment.close();
  }

  async function append(drafts: readonly ReceiptDraft[]): Promise<void> {
    active ??= await openSegment(join(directory.path, segmentName(now())));
    const segment = active;
    await segment.append(drafts);
    if (segment.bytes >= SEGMENT_BYTES) await closeActive();
  }

  /** What was written belongs to the other now; what it may not have read is written once more, under the same ids. */
  async function appendAfterTakeover(drafts: readonly ReceiptDraft[]): Promise<void> {
    const taken = active;
    active = undefined;
    await taken?.close();
    await directory.restore();
    await append(drafts);
  }

  async function write(drafts: readonly ReceiptDraft[]): Promise<StoredReceipt[]> {
    try {
      await append(drafts).catch((error: unknown) => {
        if (isGone(error)) return appendAfterTakeover(drafts);
        throw error;
      });
    } catch (error) {
      // What a failed sync has lost, a second one may call synced: this file gets no more.
      await closeActive();
      throw new Failure('journal-full', { detail: 'the spool could not be written', cause: error });
    }
    return drafts.map((draft) => known.answerTo(draft));
  }

  /** Files are opened, written and closed by one writer: what else concerns them goes through its queue. */
  const batcher = openBatcher<ReceiptDraft | 'roll', StoredReceipt | undefined>({
    async write(items) {
      const drafts = items.filter((item) => item !== 'roll');
      const stored = drafts.length === 0 ? [] : await write(drafts);
      if (drafts.length < items.length) await closeActive();
      let next = 0;
      return items.map((item) => (item === 'roll' ? undefined : stored[next++]));
    },
    isItemFault: () => false,
    bytesOf: (item) => (item === 'roll' ? 0 : frameBytes(item)),
    maxRows: MAX_BATCH_ROWS,
    maxBatchBytes: MAX_BATCH_BYTES,
    maxInFlight: 1,
    maxWaitingRows: MAX_WAITING_ROWS,
    maxWaitingBytes: MAX_WAITING_BYTES,
    maxAgeMs: MAX_AGE_MS,
    full: 'journal-full',
    now,
  });

  async function addWithin(draft: ReceiptDraft, limitMs: number): Promise<StoredReceipt> {
    const bytes = frameBytes(draft);
    if (usedBytes() + promisedBytes + bytes > maxBytes)
      throw new Failure('journal-full', { detail: 'the spool is full' });
    promisedBytes += bytes;
    known.note(draft);
    const added = batcher
      .add(draft)
      .catch((error: unknown) => {
        known.forget(draft);
        throw error;
      })
      .finally(() => {
        promisedBytes -= bytes;
      });
    return (await within(limitMs, added, 'journal-full')) as StoredReceipt;
  }

  function drop(segment: ClosedSegment): void {
    const at = closed.indexOf(segment);
    if (at < 0) return;
    closed.splice(at, 1);
    closedBytes -= segment.bytes;
    if (closed.length === 0 && active === undefined) known.clear();
  }

  return {
    add: addWithin,
    get usedBytes() {
      return usedBytes();
    },
    maxBytes,
    get hasRoom() {
      return usedBytes() + promisedBytes + ROOM_BYTES <= maxBytes;
    },
    async oldest() {
      if (closed.length === 0 && active !== undefined) await batcher.add('roll').catch(ignoreFullness);
      return closed[0];
    },
    async remove(segment) {
      await rm(segment.path, { force: true });
      drop(segment);
    },
    async setAside(segment) {
      await rename(segment.path, segment.path.replace(SEGMENT_SUFFIX, '.kept'));
      drop(segment);
    },
    async adopt() {
      const adopted = await directory.adopt();
      if (adopted === 0) return 0;
      const knownPaths = new Set([...closed.map(({ path }) => path), active?.path]);
      for (const file of await readdir(directory.path)) {
        const path = join(directory.path, file);
        if (!file.endsWith(SEGMENT_SUFFIX) || knownPaths.has(path)) continue;
        const { size } = await stat(path);
        closed.push({ path, bytes: size });
        closedBytes += size;
      }
      closed.sort((a, b) => (a.path < b.path ? -1 : 1));
      return adopted;
    },
    async close() {
      await batcher.idle();
      await closeActive();
      await directory.close();
    },
  };
}

function ignoreFullness(error: unknown): void {
  if (!isFailure(error, 'journal-full')) throw error;
}
