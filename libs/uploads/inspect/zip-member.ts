import { crc32 } from 'node:zlib';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inflate, type InflateEnd } from '#uploads/inspect/inflate.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';
import type { UnpackBudget } from '#uploads/inspect/unpack-budget.ts';
import type { ZipEntry } from '#uploads/inspect/zip-directory.ts';

/** The content of one entry, really unpacked: counted against every limit, and held against its size and CRC. */
export async function* unpackZipMember(
  bytes: FileBytes,
  entry: ZipEntry,
  budget: UnpackBudget,
): AsyncGenerator<Buffer> {
  const member = budget.openMember(entry.packedBytes);
  let size = 0;
  let crc = 0;
  for await (const chunk of packedBytes(bytes, entry)) {
    size += chunk.length;
    if (size > entry.sizeBytes) throw new Refusal('archive-limits', 'an entry that is larger than it says');
    member.grew(chunk.length);
    crc = crc32(chunk, crc);
    yield chunk;
  }
  if (size !== entry.sizeBytes) throw new Refusal('archive-malformed', 'an entry that is smaller than it says');
  if (crc !== entry.crc32) throw new Refusal('archive-malformed', 'an entry with a wrong CRC');
}

async function* packedBytes(bytes: FileBytes, entry: ZipEntry): AsyncGenerator<Buffer> {
  const end = entry.dataAt + entry.packedBytes;
  if (entry.method === 0) {
    yield* bytes.chunks(entry.dataAt, end);
    return;
  }
  let last: InflateEnd;
  try {
    last = yield* inflate(bytes, entry.dataAt, end, entry.sizeBytes);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    if (error instanceof RangeError) throw new Refusal('archive-limits', 'an entry that is larger than it says');
    throw new Refusal('archive-malformed', 'an entry that can not be unpacked');
  }
  if (last.packedBytes !== entry.packedBytes) {
    throw new Refusal('archive-malformed', 'an entry with bytes behind its end');
  }
}
