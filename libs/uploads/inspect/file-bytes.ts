import { readSync } from 'node:fs';

const CHUNK_BYTES = 64 * 1024;

/** A part of an open file, read at any place. Reading is synchronous: it happens in a thread that does nothing else. */
export interface FileBytes {
  readonly size: number;
  /** At most `length` bytes; fewer at the end. */
  read(position: number, length: number): Buffer;
  chunks(start?: number, end?: number): Generator<Buffer>;
}

export function openFileBytes(fd: number, size: number): FileBytes {
  function read(position: number, length: number): Buffer {
    const wanted = Math.max(0, Math.min(length, size - position));
    const buffer = Buffer.allocUnsafe(wanted);
    let filled = 0;
    while (filled < wanted) {
      const count = readSync(fd, buffer, filled, wanted - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return buffer.subarray(0, filled);
  }
  return {
    size,
    read,
    *chunks(start = 0, end = size) {
      for (let at = start; at < end; at += CHUNK_BYTES) yield read(at, Math.min(CHUNK_BYTES, end - at));
    },
  };
}

export function bytesOf(buffer: Buffer): FileBytes {
  return {
    size: buffer.length,
    read: (position, length) => buffer.subarray(position, position + length),
    *chunks(start = 0, end = buffer.length) {
      for (let at = start; at < end; at += CHUNK_BYTES) yield buffer.subarray(at, Math.min(at + CHUNK_BYTES, end));
    },
  };
}
