import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ScanSource } from '#uploads/scanner.ts';
import type { Storage, Zone } from '#uploads/storage.ts';

const CHUNK_BYTES = 128 * 1024;

/** The bytes of an open file from its beginning, each chunk in a buffer of its own. */
export function readFile(file: FileHandle): AsyncGenerator<Buffer> {
  return readInto(file, () => Buffer.allocUnsafe(CHUNK_BYTES));
}

async function* readInto(file: FileHandle, next: () => Buffer): AsyncGenerator<Buffer> {
  let position = 0;
  while (true) {
    const { bytesRead, buffer } = await file.read(next(), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

export function scanSourceOf(file: FileHandle, upload: { sizeBytes: number; sha256: Buffer }): ScanSource {
  return { sizeBytes: upload.sizeBytes, sha256: upload.sha256, read: () => readFile(file) };
}

/** Whether the stored file is there and is the one that came in. */
export async function hasDigest(storage: Storage, zone: Zone, name: string, sha256: Buffer): Promise<boolean> {
  const file = await storage.open(zone, name);
  if (file === undefined) return false;
  try {
    const hash = createHash('sha256');
    // One buffer for all: garbage outside of the heap makes V8 collect it all over and over.
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for await (const bytes of readInto(file, () => chunk)) hash.update(bytes);
    return hash.digest().equals(sha256);
  } finally {
    await file.close();
  }
}
