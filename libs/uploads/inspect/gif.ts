import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { requirePixels } from '#uploads/inspect/pixels.ts';
import { mismatch } from '#uploads/inspect/refusal.ts';

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

/** GIF89a §17 to §27: header, screen, blocks with at least one image, trailer, and nothing behind it. */
export function inspectGif(bytes: FileBytes): void {
  const reader = new BufferedReader(bytes);
  const header = reader.take(13);
  if (!/^GIF8[79]a/.test(header.toString('latin1', 0, 6))) throw mismatch('no GIF header');
  const [width, height] = [header.readUInt16LE(6), header.readUInt16LE(8)];
  reader.skip(colourTableBytes(header[10] ?? 0));
  let frames = 0;
  while (true) {
    const block = reader.take(1)[0];
    if (block === TRAILER) break;
    if (block === EXTENSION) {
      reader.skip(1);
      skipSubBlocks(reader);
    } else if (block === IMAGE) {
      frames += 1;
      const image = reader.take(9);
      requirePixels(Math.max(width, image.readUInt16LE(4)), Math.max(height, image.readUInt16LE(6)), frames);
      reader.skip(colourTableBytes(image[8] ?? 0) + 1);
      skipSubBlocks(reader);
    } else throw mismatch('a GIF block that is none');
  }
  if (frames === 0) throw mismatch('a GIF without an image');
  if (reader.position !== bytes.size) throw mismatch('bytes after the end of the GIF');
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function skipSubBlocks(reader: BufferedReader): void {
  while (true) {
    const length = reader.take(1)[0] ?? 0;
    if (length === 0) return;
    reader.skip(length);
  }
}

const WINDOW_BYTES = 64 * 1024;

class BufferedReader {
  position = 0;
  readonly #bytes: FileBytes;
  #window = Buffer.alloc(0);
  #windowAt = 0;

  constructor(bytes: FileBytes) {
    this.#bytes = bytes;
  }

  take(length: number): Buffer {
    if (this.position < this.#windowAt || this.position + length > this.#windowAt + this.#window.length) {
      this.#window = Buffer.from(this.#bytes.read(this.position, WINDOW_BYTES));
      this.#windowAt = this.position;
    }
    const from = this.position - this.#windowAt;
    if (from + length > this.#window.length) throw mismatch('the GIF ends early');
    this.position += length;
    return this.#window.subarray(from, from + length);
  }

  skip(length: number): void {
    this.position += length;
    if (this.position > this.#bytes.size) throw mismatch('the GIF ends early');
  }
}
