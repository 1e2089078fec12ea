import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { requirePixels } from '#uploads/inspect/pixels.ts';
import { mismatch, Refusal } from '#uploads/inspect/refusal.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
// SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC).
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7;

/** ITU-T T.81 annex B: markers from SOI to EOI, a frame and a scan among them, and nothing behind. */
export function inspectJpeg(bytes: FileBytes): void {
  const start = bytes.read(0, 3);
  if (start.length < 3 || start[0] !== 0xff || start[1] !== SOI || start[2] !== 0xff) throw mismatch('no JPEG start');
  let at = 2;
  let hasFrame = false;
  let scans = 0;
  while (true) {
    const { marker, next } = markerAt(bytes, at);
    if (marker === EOI) {
      if (!hasFrame || scans === 0) throw mismatch('a JPEG without an image');
      if (next !== bytes.size) throw mismatch('bytes after the end of the JPEG');
      return;
    }
    const length = segmentLength(bytes, next);
    if (isFrame(marker)) {
      requireFrame(bytes.read(next + 2, 6), length);
      hasFrame = true;
    }
    at = next + length;
    if (marker !== SOS) continue;
    if (!hasFrame) throw mismatch('a JPEG scan before its frame');
    scans += 1;
    if (scans > inspectionLimits.jpegScans)
      throw new Refusal('pixel-limit', `more than ${inspectionLimits.jpegScans} scans`);
    at = endOfScan(bytes, at);
  }
}

function markerAt(bytes: FileBytes, at: number): { marker: number; next: number } {
  let position = at;
  const head = bytes.read(position, 2);
  if (head.length < 2 || head[0] !== 0xff) throw mismatch('no JPEG marker where one must be');
  // T.81 §B.1.1.2: any number of FF may fill up before a marker.
  while (bytes.read(position + 1, 1)[0] === 0xff) position += 1;
  const marker = bytes.read(position + 1, 1)[0] ?? 0;
  if (marker < 0xc0 || marker === SOI) throw mismatch('a JPEG marker that is none');
  return { marker, next: position + 2 };
}

function segmentLength(bytes: FileBytes, at: number): number {
  const field = bytes.read(at, 2);
  const length = field.length === 2 ? field.readUInt16BE(0) : 0;
  if (length < 2 || at + length > bytes.size) throw mismatch('a malformed JPEG segment');
  return length;
}

function requireFrame(frame: Buffer, length: number): void {
  if (length < 8 || frame.length < 6) throw mismatch('a malformed JPEG frame');
  const [height, width] = [frame.readUInt16BE(1), frame.readUInt16BE(3)];
  if (width === 0) throw mismatch('a JPEG without an area');
  requirePixels(width, height);
}

/** Entropy-coded data ends at the first marker that is neither stuffing nor a restart. */
function endOfScan(bytes: FileBytes, from: number): number {
  let base = from;
  let wasFF = false;
  for (const chunk of bytes.chunks(from)) {
    let index = 0;
    while (index < chunk.length) {
      if (!wasFF) {
        index = chunk.indexOf(0xff, index);
        if (index < 0) break;
        wasFF = true;
        index += 1;
        continue;
      }
      const code = chunk[index] ?? 0;
      if (code !== 0xff) {
        if (code !== 0 && !isRestart(code)) return base + index - 1;
        wasFF = false;
      }
      index += 1;
    }
    base += chunk.length;
  }
  throw mismatch('the JPEG ends early');
}
