import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { requirePixels } from '#uploads/inspect/pixels.ts';
import { mismatch } from '#uploads/inspect/refusal.ts';

const MAX_CHUNKS = 10_000;

/** RFC 9649: RIFF with the length of the whole file, known chunks, an image among them. */
export function inspectWebp(bytes: FileBytes): void {
  const header = bytes.read(0, 12);
  const isWebp =
    header.length === 12 && header.toString('latin1', 0, 4) === 'RIFF' && header.toString('latin1', 8) === 'WEBP';
  if (!isWebp) throw mismatch('no WebP header');
  if (header.readUInt32LE(4) + 8 !== bytes.size) throw mismatch('the WebP has another length than it says');
  let at = 12;
  let [width, height] = [0, 0];
  let frames = 0;
  for (let index = 0; at < bytes.size; index += 1) {
    const { type, length, data } = chunkAt(bytes, at);
    if (index >= MAX_CHUNKS) throw mismatch('too many WebP chunks');
    const size = sizeOf(type, data);
    if (size !== undefined) [width, height] = [Math.max(width, size.width), Math.max(height, size.height)];
    if (type === 'ANMF' || type === 'VP8 ' || type === 'VP8L') frames += 1;
    requirePixels(width, height, Math.max(1, frames));
    at += 8 + length + (length % 2);
  }
  if (at !== bytes.size || frames === 0) throw mismatch('a WebP without an image');
}

function chunkAt(bytes: FileBytes, at: number): { type: string; length: number; data: Buffer } {
  const head = bytes.read(at, 8 + 16);
  if (head.length < 8) throw mismatch('the WebP ends early');
  const length = head.readUInt32LE(4);
  const type = head.toString('latin1', 0, 4);
  if (!/^[A-Z0-9]{3,4} ?$/i.test(type) || at + 8 + length > bytes.size) throw mismatch('a malformed WebP chunk');
  return { type, length, data: head.subarray(8, 8 + Math.min(16, length)) };
}

function sizeOf(type: string, data: Buffer): { width: number; height: number } | undefined {
  if (type === 'VP8X') return { width: 1 + data24(data, 4), height: 1 + data24(data, 7) };
  if (type === 'ANMF') return { width: 1 + data24(data, 6), height: 1 + data24(data, 9) };
  if (type === 'VP8 ') {
    if (data.length < 10 || data.readUIntBE(3, 3) !== 0x9d012a) throw mismatch('a malformed VP8 chunk');
    return { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff };
  }
  if (type === 'VP8L') {
    if (data.length < 5 || data[0] !== 0x2f) throw mismatch('a malformed VP8L chunk');
    const bits = data.readUInt32LE(1);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  return undefined;
}

function data24(data: Buffer, at: number): number {
  if (data.length < at + 3) throw mismatch('a malformed WebP chunk');
  return data.readUIntLE(at, 3);
}
