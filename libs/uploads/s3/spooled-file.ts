import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { orStorageFull, readChunks } from '#uploads/disk-file.ts';
import type { GatheredFile } from '#uploads/gathered-file.ts';
import type { PutOrder } from '#uploads/s3/s3-calls.ts';
import { s3Failure } from '#uploads/s3/s3-error.ts';
import type { IncomingFile } from '#uploads/storage.ts';

export interface SpooledFileParts {
  name: string;
  /** Nameless and empty, for reading, and for writing. Closed here. */
  handle: FileHandle;
  file: GatheredFile;
  /** @returns the SHA-256 of what is stored, as far as the answer told. */
  put: (order: PutOrder) => Promise<Buffer | undefined>;
  /** Reads what is stored, for a store that does not tell. Undefined if nothing is. */
  readBack: () => Promise<Buffer | undefined>;
  remove: () => Promise<void>;
}

/**
 * Bytes that are spooled to this disk and put into the bucket when all of them are there: S3 wants to know their number
 * and their digest first, a sender that is slow or goes away costs no request, and what fails can be sent anew. Without
 * a spool each upload would hold a part of 5 MiB in memory, the least that S3 takes.
 */
export function openSpooledFile({ name, handle, file, put, readBack, remove }: SpooledFileParts): IncomingFile {
  let sizeBytes = 0;
  let isStored = false;
  return {
    name,
    write(chunk) {
      sizeBytes += chunk.length;
      const written = file.write(chunk);
      return written && orStorageFull(written);
    },
    async commit(sha256) {
      await orStorageFull(file.flush());
      const open = () => Readable.from(readChunks(handle), { objectMode: false, highWaterMark: 1 });
      const told = await put({ open, sizeBytes, sha256 });
      isStored = true;
      requireDigest(told ?? (await readBack()), sha256);
      await file.close();
    },
    async abort() {
      await file.close().catch(() => undefined);
      // What can't be removed now, or arrives later, has no row: the orphan sweep finds it.
      if (isStored) await remove().catch(() => undefined);
      isStored = false;
    },
  };
}

/** @throws Failure `storage-unavailable` if something else is stored than was sent. */
export function requireDigest(stored: Buffer | undefined, sha256: Buffer): void {
  if (stored?.equals(sha256) !== true) throw s3Failure('PutObject', new Error('stored with another digest'));
}
