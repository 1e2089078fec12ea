import { Readable } from 'node:stream';
import { createInflateRaw, inflateRawSync } from 'node:zlib';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';

/** Small members are unpacked at once: a stream for each would cost more than the work. */
const AT_ONCE_BYTES = 256 * 1024;

/** Where raw deflate data ends, known once it was read to its end. */
export interface InflateEnd {
  packedBytes: number;
}

/**
 * Unpacks raw deflate data that begins at `start`, chunk by chunk, as far as it goes.
 * @throws Error of zlib if it is broken or cut, RangeError if it says less than it holds.
 */
export async function* inflate(
  bytes: FileBytes,
  start: number,
  end: number,
  sizeBytes: number,
): AsyncGenerator<Buffer, InflateEnd> {
  if (end - start <= AT_ONCE_BYTES && sizeBytes <= AT_ONCE_BYTES) {
    return yield* inflateAtOnce(bytes.read(start, end - start), sizeBytes);
  }
  const inflater = createInflateRaw({ chunkSize: 64 * 1024 });
  const source = Readable.from(bytes.chunks(start, end), { objectMode: false });
  source.on('error', (error) => inflater.destroy(error));
  source.pipe(inflater);
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
    return { packedBytes: inflater.bytesWritten };
  } finally {
    source.destroy();
    inflater.destroy();
  }
}

function* inflateAtOnce(packed: Buffer, sizeBytes: number): Generator<Buffer, InflateEnd> {
  const { buffer, engine } = inflateRawSync(packed, { info: true, maxOutputLength: sizeBytes + 1 }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  yield buffer;
  return { packedBytes: engine.bytesWritten };
}
