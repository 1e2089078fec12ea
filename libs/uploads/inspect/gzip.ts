import { crc32 } from 'node:zlib';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inflate } from '#uploads/inspect/inflate.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';
import type { UnpackBudget } from '#uploads/inspect/unpack-budget.ts';

const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const MAX_HEADER_BYTES = 64 * 1024;
const FLAG_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

/** RFC 1952: the content of all members one after the other, each counted as an entry; nothing behind the last. */
export async function* unpackGzip(bytes: FileBytes, budget: UnpackBudget): AsyncGenerator<Buffer> {
  const content = budget.openMember(bytes.size);
  let at = 0;
  while (at < bytes.size) {
    budget.addEntry();
    const dataAt = at + headerBytes(bytes.read(at, MAX_HEADER_BYTES));
    let size = 0;
    let crc = 0;
    const unpacked = inflate(bytes, dataAt, bytes.size, Number.POSITIVE_INFINITY);
    let step = await nextOf(unpacked);
    while (step.done !== true) {
      size += step.value.length;
      content.grew(step.value.length);
      crc = crc32(step.value, crc);
      yield step.value;
      step = await nextOf(unpacked);
    }
    const trailer = bytes.read(dataAt + step.value.packedBytes, TRAILER_BYTES);
    const isRight =
      trailer.length === TRAILER_BYTES && trailer.readUInt32LE(0) === crc && trailer.readUInt32LE(4) === size % 2 ** 32;
    if (!isRight) throw malformed('a gzip member with a wrong CRC or size');
    at = dataAt + step.value.packedBytes + TRAILER_BYTES;
  }
}

async function nextOf<T, R>(unpacked: AsyncGenerator<T, R>): Promise<IteratorResult<T, R>> {
  try {
    return await unpacked.next();
  } catch {
    throw malformed('gzip data that can not be unpacked');
  }
}

function headerBytes(head: Buffer): number {
  if (head.length < HEADER_BYTES || head[0] !== 0x1f || head[1] !== 0x8b || head[2] !== 8) {
    throw malformed('bytes that are no gzip member');
  }
  const flags = head[3] ?? 0;
  let at = HEADER_BYTES;
  if ((flags & FLAG_EXTRA) !== 0 && head.length >= at + 2) at += 2 + head.readUInt16LE(at);
  for (const flag of [FLAG_NAME, FLAG_COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = head.indexOf(0, at);
    if (end < 0) throw malformed('a gzip header without end');
    at = end + 1;
  }
  if ((flags & FLAG_CRC) !== 0) at += 2;
  if (at >= head.length) throw malformed('a gzip header without end');
  return at;
}

function malformed(detail: string): Refusal {
  return new Refusal('archive-malformed', detail);
}
