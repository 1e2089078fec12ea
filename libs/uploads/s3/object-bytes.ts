import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { digestOf, orStorageFull, readChunks, readFleetingChunks, writeWhole } from '#uploads/disk-file.ts';
import { s3Failure } from '#uploads/s3/s3-error.ts';
import type { ByteRange, StoredBytes } from '#uploads/storage.ts';

export interface ObjectBytesParts {
  /** As S3 says. */
  sizeBytes: number;
  /** Undefined if the object is gone. */
  get: (range?: ByteRange) => Promise<Readable | undefined>;
  /** For a private copy. */
  createFile: () => Promise<FileHandle>;
}

/** How often in a row reading may be gone on with, without a byte having come. */
const RESUMES = 2;

/** The bytes of one object: streamed from S3, until a private copy is asked for; then from that. */
export function openObjectBytes({ sizeBytes, get, createFile }: ObjectBytesParts): StoredBytes {
  let copy: FileHandle | undefined;

  async function begin(range?: ByteRange): Promise<Readable> {
    const body = await get(range);
    // It was there a moment ago: another process has moved or deleted it. Whoever tries again sees where it is now.
    if (body === undefined) throw s3Failure('GetObject', new Error('gone while it was read'));
    return body;
  }

  /**
   * A connection that breaks, or is closed because the reader was slow, is gone on with where it ended. An answer that is
   * complete is the end, also if it was shorter than expected: then the object is another.
   */
  async function* resuming(first: Readable, { start, end }: ByteRange): AsyncGenerator<Buffer> {
    let position = start;
    let body = first;
    for (let resumes = 0; ;) {
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          position += chunk.length;
          resumes = 0;
          yield chunk;
        }
        return;
      } catch (error) {
        resumes += 1;
        if (resumes > RESUMES) throw s3Failure('GetObject', error);
      }
      body = await begin({ start: position, end });
    }
  }

  async function read(range?: ByteRange): Promise<AsyncIterable<Buffer>> {
    if (copy !== undefined) return readChunks(copy, range);
    return resuming(await begin(range), range ?? { start: 0, end: sizeBytes - 1 });
  }

  async function copyInto(file: FileHandle): Promise<Buffer | undefined> {
    const hash = createHash('sha256');
    let copied = 0;
    for await (const chunk of await read()) {
      copied += chunk.length;
      if (copied > sizeBytes) return undefined;
      hash.update(chunk);
      await orStorageFull(writeWhole(file, chunk));
    }
    return hash.digest();
  }

  return {
    sizeBytes,
    read,
    readFleeting: async () => (copy === undefined ? read() : readFleetingChunks(copy)),
    async descriptor(sha256) {
      if (copy !== undefined) return copy.fd;
      const file = await createFile();
      try {
        if ((await copyInto(file))?.equals(sha256) !== true) return undefined;
        copy = file;
        return file.fd;
      } finally {
        if (copy !== file) await file.close();
      }
    },
    async digest() {
      if (copy !== undefined) return digestOf(copy);
      const hash = createHash('sha256');
      for await (const chunk of await read()) hash.update(chunk);
      return hash.digest();
    },
    close: async () => copy?.close(),
  };
}
