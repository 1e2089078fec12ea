import { crc32 } from 'node:zlib';
import type { ReceiptDraft } from '#webhooks/receipt.ts';

/*
 * A segment begins with a header: 8 bytes that name the format, then a marker of 16 random bytes. Each frame begins with
 * that marker: where bytes are damaged, the next frame is found by it, and nobody who can have a body written can write a
 * frame into that body, because the marker is not known outside.
 * Frame: marker, u32 length of the JSON, u32 length of the body (2^32 - 1: none), u32 CRC-32 of lengths, JSON and body.
 */
const FORMAT = Buffer.from('PCSPOOL1');
const MARKER_BYTES = 16;
const LENGTHS_BYTES = 8;
const PREFIX_BYTES = MARKER_BYTES + LENGTHS_BYTES + 4;
const NO_BODY = 0xff_ff_ff_ff;
export const SEGMENT_HEADER_BYTES = FORMAT.length + MARKER_BYTES;

export function segmentHeader(marker: Buffer): Buffer {
  return Buffer.concat([FORMAT, marker]);
}

interface Head extends Omit<ReceiptDraft, 'body' | 'dedupeKey' | 'sha256'> {
  dedupeKey: string | undefined;
  sha256: string | undefined;
}

/** Apart from body and headers: ids, hashes, names and numbers in JSON, and the prefix. */
const FRAME_OVERHEAD_BYTES = 2_048;

/** What a receipt takes in a segment, at most. */
export function frameBytes({ body, headers }: ReceiptDraft): number {
  const headerBytes = Buffer.byteLength(JSON.stringify(headers));
  return (body?.length ?? 0) + headerBytes + FRAME_OVERHEAD_BYTES;
}

/** The frame's bytes in parts, so that a body is not copied. */
export function encodeFrame(marker: Buffer, draft: ReceiptDraft): Buffer[] {
  const { body, dedupeKey, sha256, ...rest } = draft;
  const head: Head = { ...rest, dedupeKey: dedupeKey?.toString('hex'), sha256: sha256?.toString('hex') };
  const json = Buffer.from(JSON.stringify(head));
  const bytes = body ?? Buffer.alloc(0);
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32LE(json.length, 0);
  lengths.writeUInt32LE(body === undefined ? NO_BODY : body.length, 4);
  const check = Buffer.alloc(4);
  check.writeUInt32LE(crc32(bytes, crc32(json, crc32(lengths))));
  return [marker, lengths, check, json, bytes];
}

export interface ReadSegment {
  drafts: ReceiptDraft[];
  /** Bytes at the end that are no whole frame: a write that was cut off, so nobody got a 200 for it. */
  tornBytes: number;
  /** Bytes in between that are none: the disk has lost something. */
  damagedBytes: number;
}

/** Every whole frame of a segment, in order, whatever became of the rest. Never throws. */
export function readSegment(bytes: Buffer): ReadSegment {
  const drafts: ReceiptDraft[] = [];
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, FORMAT.length).equals(FORMAT)) {
    return { drafts, tornBytes: bytes.length, damagedBytes: 0 };
  }
  const marker = bytes.subarray(FORMAT.length, SEGMENT_HEADER_BYTES);
  let at = SEGMENT_HEADER_BYTES;
  let damagedBytes = 0;
  while (at < bytes.length) {
    const frame = readFrame(bytes, at, marker);
    if (frame !== undefined) {
      drafts.push(frame.draft);
      at = frame.end;
      continue;
    }
    const next = nextFrame(bytes, at + 1, marker);
    if (next === undefined) break;
    damagedBytes += next - at;
    at = next;
  }
  return { drafts, tornBytes: bytes.length - at, damagedBytes };
}

function nextFrame(bytes: Buffer, from: number, marker: Buffer): number | undefined {
  for (let at = bytes.indexOf(marker, from); at >= 0; at = bytes.indexOf(marker, at + 1)) {
    if (readFrame(bytes, at, marker) !== undefined) return at;
  }
  return undefined;
}

function readFrame(bytes: Buffer, at: number, marker: Buffer): { draft: ReceiptDraft; end: number } | undefined {
  if (bytes.length - at < PREFIX_BYTES || !bytes.subarray(at, at + MARKER_BYTES).equals(marker)) return undefined;
  const lengths = bytes.subarray(at + MARKER_BYTES, at + MARKER_BYTES + LENGTHS_BYTES);
  const jsonLength = lengths.readUInt32LE(0);
  const hasBody = lengths.readUInt32LE(4) !== NO_BODY;
  const bodyLength = hasBody ? lengths.readUInt32LE(4) : 0;
  const jsonAt = at + PREFIX_BYTES;
  const end = jsonAt + jsonLength + bodyLength;
  if (end > bytes.length) return undefined;
  const expected = bytes.readUInt32LE(at + MARKER_BYTES + LENGTHS_BYTES);
  if (crc32(bytes.subarray(jsonAt, end), crc32(lengths)) !== expected) return undefined;
  const head = JSON.parse(bytes.toString('utf8', jsonAt, jsonAt + jsonLength)) as Head;
  const body = hasBody ? bytes.subarray(jsonAt + jsonLength, end) : undefined;
  return { draft: draftOf(head, body), end };
}

function draftOf(head: Head, body: Buffer | undefined): ReceiptDraft {
  const hashOf = (hex: string | undefined): Buffer | undefined =>
    hex === undefined ? undefined : Buffer.from(hex, 'hex');
  return {
    ...head,
    secretLabel: head.secretLabel,
    textId: head.textId,
    dedupeKey: hashOf(head.dedupeKey),
    sha256: hashOf(head.sha256),
    body,
  };
}
