import { crc32, deflateSync } from 'node:zlib';

export interface PngOptions {
  width?: number;
  height?: number;
  /** Further chunks between header and pixels. */
  chunks?: readonly (readonly [type: string, data: Buffer])[];
  after?: Buffer;
}

/** A PNG whose header says this size; the pixels are those of a black 1 × 1 image. */
export function png({ width = 1, height = 1, chunks = [], after = Buffer.alloc(0) }: PngOptions = {}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    ...chunks.map(([type, data]) => pngChunk(type, data)),
    pngChunk('IDAT', deflateSync(Buffer.from([0, 0]))),
    pngChunk('IEND', Buffer.alloc(0)),
    after,
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** The smallest JPEG: 1 × 1, arithmetic coding. */
export function jpeg({
  width = 1,
  height = 1,
  scans = 1,
  segments = [],
  after = Buffer.alloc(0),
}: {
  width?: number;
  height?: number;
  scans?: number;
  segments?: readonly (readonly [marker: number, data: Buffer])[];
  after?: Buffer;
} = {}): Buffer {
  const frame = Buffer.from('080001000101011100', 'hex');
  frame.writeUInt16BE(height, 1);
  frame.writeUInt16BE(width, 3);
  const scan = Buffer.concat([jpegSegment(0xda, Buffer.from('010100003f00', 'hex')), Buffer.from('d2cf20', 'hex')]);
  return Buffer.concat([
    Buffer.from('ffd8', 'hex'),
    ...segments.map(([marker, data]) => jpegSegment(marker, data)),
    jpegSegment(0xdb, Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 3)])),
    jpegSegment(0xc9, frame),
    jpegSegment(0xcc, Buffer.from('00101005', 'hex')),
    ...Array.from({ length: scans }, () => scan),
    Buffer.from('ffd9', 'hex'),
    after,
  ]);
}

function jpegSegment(marker: number, data: Buffer): Buffer {
  const segment = Buffer.alloc(4 + data.length);
  segment.writeUInt16BE(0xff00 + marker, 0);
  segment.writeUInt16BE(data.length + 2, 2);
  data.copy(segment, 4);
  return segment;
}

/** A GIF of black 1 × 1 frames. */
export function gif({ frames = 1, after = Buffer.alloc(0) }: { frames?: number; after?: Buffer } = {}): Buffer {
  const frame = Buffer.from('2c000000000100010000020144003b', 'hex').subarray(0, 14);
  return Buffer.concat([
    Buffer.from('47494638396101000100800000000000ffffff', 'hex'),
    ...Array.from({ length: frames }, () => frame),
    Buffer.from('3b', 'hex'),
    after,
  ]);
}

/** A lossless WebP whose header says this size. */
export function webp({ width = 1, height = 1 }: { width?: number; height?: number } = {}): Buffer {
  const file = Buffer.from('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==', 'base64');
  file.writeUInt32LE((((height - 1) << 14) | (width - 1)) >>> 0, 21);
  return file;
}

/** The boxes of an AVIF that say its size; no image. */
export function avif({ width = 1, height = 1 }: { width?: number; height?: number } = {}): Buffer {
  const size = Buffer.alloc(20);
  size.writeUInt32BE(20, 0);
  size.write('ispe', 4);
  size.writeUInt32BE(width, 12);
  size.writeUInt32BE(height, 16);
  return Buffer.concat([Buffer.from('00000018667479706176696600000000617669666d696631', 'hex'), size]);
}
