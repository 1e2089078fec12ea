import { crc32, inflateSync } from 'node:zlib';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { requirePixels } from '#uploads/inspect/pixels.ts';
import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const MAX_CHUNKS = 100_000;
/** Packed text longer than this is no caption and no colour profile. */
const MAX_PACKED_TEXT_BYTES = 2 * 1024 * 1024;

/** PNG §5: signature, IHDR, chunks with right CRCs, IDAT, IEND, and nothing behind it. */
export function inspectPng(bytes: FileBytes): void {
  if (!bytes.read(0, 8).equals(SIGNATURE)) throw mismatch('no PNG signature');
  let at = 8;
  let size = { width: 0, height: 0 };
  let frames = 1;
  let hasPixels = false;
  for (let index = 0; index < MAX_CHUNKS; index += 1) {
    const chunk = chunkAt(bytes, at);
    if ((chunk.type === 'IHDR') !== (index === 0)) throw mismatch('IHDR must be the first chunk, once');
    if (chunk.type === 'IHDR') size = sizeOf(bytes, at + 8, chunk.length);
    if (chunk.type === 'acTL') frames = bytes.read(at + 8, 4).readUInt32BE(0);
    if (chunk.type === 'IDAT') hasPixels = true;
    if (isPackedText(chunk.type)) requireSmallText(bytes.read(at + 8, chunk.length), chunk.type);
    requirePixels(size.width, size.height, frames);
    at = chunk.end;
    if (chunk.type !== 'IEND') continue;
    if (!hasPixels) throw mismatch('a PNG without pixels');
    if (at !== bytes.size) throw mismatch('bytes after the end of the PNG');
    return;
  }
  throw mismatch('too many PNG chunks');
}

function chunkAt(bytes: FileBytes, at: number): { type: string; length: number; end: number } {
  const head = bytes.read(at, 8);
  if (head.length < 8) throw mismatch('the PNG ends early');
  const length = head.readUInt32BE(0);
  const type = head.toString('latin1', 4, 8);
  const end = at + 12 + length;
  if (!/^[A-Za-z]{4}$/.test(type) || end > bytes.size) throw mismatch('a malformed PNG chunk');
  let crc = crc32(head.subarray(4));
  for (const part of bytes.chunks(at + 8, at + 8 + length)) crc = crc32(part, crc);
  if (crc !== bytes.read(end - 4, 4).readUInt32BE(0)) throw mismatch('a PNG chunk with a wrong CRC');
  return { type, length, end };
}

function sizeOf(bytes: FileBytes, at: number, length: number): { width: number; height: number } {
  const header = bytes.read(at, 13);
  if (length !== 13) throw mismatch('a malformed IHDR');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  if (width === 0 || height === 0) throw mismatch('a PNG without an area');
  return { width, height };
}

function isPackedText(type: string): boolean {
  return type === 'zTXt' || type === 'iTXt' || type === 'iCCP';
}

function requireSmallText(data: Buffer, type: string): void {
  if (data.length > MAX_PACKED_TEXT_BYTES) throw new Refusal('pixel-limit', `a ${type} chunk that is too long`);
  const packed = packedTextOf(data, type);
  if (packed === undefined) return;
  try {
    inflateSync(packed, { maxOutputLength: inspectionLimits.imageTextBytes });
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    throw isTooLarge
      ? new Refusal('pixel-limit', `a ${type} chunk that unpacks to more than ${inspectionLimits.imageTextBytes} bytes`)
      : mismatch(`a malformed ${type} chunk`);
  }
}

/** PNG §11.3.2.3 and §11.3.3: a name, and, behind it, flags that differ by type. */
function packedTextOf(data: Buffer, type: string): Buffer | undefined {
  const name = data.indexOf(0);
  if (name < 1) throw mismatch(`a malformed ${type} chunk`);
  if (type !== 'iTXt') return data.subarray(name + 2);
  if (data[name + 1] !== 1) return undefined;
  const language = data.indexOf(0, name + 3);
  const keyword = language < 0 ? -1 : data.indexOf(0, language + 1);
  if (keyword < 0) throw mismatch('a malformed iTXt chunk');
  return data.subarray(keyword + 1);
}
