import { randomBytes } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encodeFrame, segmentHeader } from '#webhooks/spool/frame.ts';
import type { ReceiptDraft } from '#webhooks/receipt.ts';

/** A file of receipts that is being written. */
export interface OpenSegment {
  readonly path: string;
  readonly bytes: number;
  /**
   * Resolves when all of them are on disk and synced, and the file is still where it was made: before that, whoever takes it
   * over may have read it without them. After it has rejected, the segment takes no more.
   */
  append(drafts: readonly ReceiptDraft[]): Promise<void>;
  close(): Promise<void>;
}

/** A new file that only its owner can read, whose name survives a crash as well. */
export async function openSegment(path: string): Promise<OpenSegment> {
  const marker = randomBytes(16);
  const file = await open(path, 'wx', 0o600);
  let bytes = 0;

  async function write(parts: readonly Buffer[]): Promise<void> {
    const whole = Buffer.concat(parts);
    let written = 0;
    while (written < whole.length) {
      const { bytesWritten } = await file.write(whole, written, whole.length - written, bytes + written);
      written += bytesWritten;
    }
    bytes += whole.length;
  }

  try {
    await write([segmentHeader(marker)]);
    await file.sync();
    await syncDirectory(dirname(path));
  } catch (error) {
    await file.close();
    // Each try makes a new one: a disk that is full for long would collect them.
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
  return {
    path,
    get bytes() {
      return bytes;
    },
    async append(drafts) {
      const before = bytes;
      try {
        await write(drafts.flatMap((draft) => encodeFrame(marker, draft)));
        await file.datasync();
      } catch (error) {
        bytes = before;
        await cutBack(file, before);
        throw error;
      }
      await requireInPlace(path);
    },
    close: () => file.close(),
  };
}

/** By opening it: to find a name it may be enough for a file system of several machines to remember it. */
async function requireInPlace(path: string): Promise<void> {
  const file = await open(path, 'r');
  await file.close();
}

/** What was not acknowledged need not stay; if the disk refuses this as well, it is drained like the rest. */
async function cutBack(file: FileHandle, bytes: number): Promise<void> {
  await file.truncate(bytes).catch(() => undefined);
}

/** The error says that the file or its directory is not there any more, or not the one that was opened. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESTALE');
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
