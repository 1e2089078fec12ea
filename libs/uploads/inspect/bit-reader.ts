import type { FileBytes } from '#uploads/inspect/file-bytes.ts';

/** Reads a file bit by bit, most significant first. Beyond its end all bits are 0, and `isOver` says so. */
export class BitReader {
  readonly #chunks: Iterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #held = 0;
  #heldBits = 0;
  #missingBytes = 0;

  constructor(bytes: FileBytes) {
    this.#chunks = bytes.chunks();
  }

  get isOver(): boolean {
    return this.#missingBytes > 0;
  }

  /** At most 24 bits. */
  read(count: number): number {
    while (this.#heldBits < count) {
      this.#held = ((this.#held << 8) | this.#nextByte()) & 0xffffffff;
      this.#heldBits += 8;
    }
    this.#heldBits -= count;
    const value = (this.#held >>> this.#heldBits) & (2 ** count - 1);
    this.#held &= 2 ** this.#heldBits - 1;
    return value;
  }

  alignToByte(): void {
    this.#heldBits -= this.#heldBits % 8;
    this.#held &= 2 ** this.#heldBits - 1;
  }

  hasMore(): boolean {
    if (this.#heldBits >= 8) return true;
    const byte = this.#nextByte();
    if (this.#missingBytes > 0) return false;
    this.#held = (this.#held << 8) | byte;
    this.#heldBits += 8;
    return true;
  }

  #nextByte(): number {
    if (this.#at === this.#chunk.length) {
      const { value, done } = this.#chunks.next();
      if (done === true) {
        this.#missingBytes += 1;
        return 0;
      }
      this.#chunk = value;
      this.#at = 0;
    }
    const byte = this.#chunk[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }
}
