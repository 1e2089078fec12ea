import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Failure } from '#runtime/failure.ts';
import type { ByteRange } from '#uploads/storage.ts';

const CHUNK_BYTES = 128 * 1024;

/** The bytes of an open file from its beginning or in a range, each chunk in a buffer of its own. */
export function readChunks(file: FileHandle, range?: ByteRange): AsyncGenerator<Buffer> {
  return readInto(file, (length) => Buffer.allocUnsafe(length), range);
}

/** The bytes of an open file, each chunk in the same buffer: it holds until the next is asked for. */
export function readFleetingChunks(file: FileHandle): AsyncGenerator<Buffer> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  return readInto(file, () => chunk);
}

export async function digestOf(file: FileHandle): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const bytes of readFleetingChunks(file)) hash.update(bytes);
  return hash.digest();
}

async function* readInto(
  file: FileHandle,
  next: (length: number) => Buffer,
  { start, end }: ByteRange = { start: 0, end: Infinity },
): AsyncGenerator<Buffer> {
  let position = start;
  while (position <= end) {
    const length = Math.min(CHUNK_BYTES, end - position + 1);
    const { bytesRead, buffer } = await file.read(next(length), 0, length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

export async function writeWhole(file: FileHandle, chunk: Buffer): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written);
    written += bytesWritten;
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS']);

/** @throws Failure `storage-full` where the disk has no room. */
export async function orStorageFull<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (FULL.has(codeOf(error))) throw new Failure('storage-full', { cause: error });
    throw error;
  }
}

/** What the system says when it can't work on files is no fault of any one of them: a failure after which trying again helps. */
export function storageFailure(error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof Failure || !/^E[A-Z0-9]+$/.test(code)) return error;
  return new Failure(FULL.has(code) ? 'storage-full' : 'storage-unavailable', { cause: error });
}

/** Undefined where there is no such file. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
