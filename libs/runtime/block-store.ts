import { freeChunk } from '#runtime/free-chunk.ts';

const BLOCK_BYTES = 16 * 1024;

/** Bytes that are still coming in. */
export interface Gathered {
  readonly bytes: number;
  /** Takes the bytes over: the chunk is empty afterwards, and its memory is free where it was its own. */
  append(chunk: Buffer): void;
  /** Gives the memory back; nothing may be read from it afterwards. */
  free(): void;
  /** Writes all of it into `target`, which is long enough. */
  copyInto(target: Buffer): void;
}

/**
 * Memory for large bodies on their way in, in blocks that are used again and again: what a collector has not yet freed of
 * hundreds of them is more than what is in use.
 */
export interface BlockStore {
  open(): Gathered;
  /**
   * Calls `look` with all that was gathered as one buffer, which is only valid during the call, because the next look uses
   * it again.
   */
  look<T>(gathered: Gathered, look: (whole: Buffer) => T): T;
}

export function openBlockStore({ keepBytes }: { keepBytes: number }): BlockStore {
  const free = new FreeBlocks(keepBytes);
  let whole = Buffer.alloc(0);
  return {
    open: () => new Blocks(free),
    look(gathered, look) {
      if (whole.length < gathered.bytes) whole = Buffer.allocUnsafeSlow(gathered.bytes);
      gathered.copyInto(whole);
      return look(whole.subarray(0, gathered.bytes));
    },
  };
}

/** Blocks that nobody uses. */
class FreeBlocks {
  readonly #blocks: Buffer[] = [];
  readonly #keepBytes: number;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  take(): Buffer {
    return this.#blocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  give(block: Buffer): void {
    if ((this.#blocks.length + 1) * BLOCK_BYTES <= this.#keepBytes) this.#blocks.push(block);
    else freeChunk(block);
  }
}

/** A class, because one is made for every request, and most have no use for it: closures of its own would cost each 1 %. */
class Blocks implements Gathered {
  readonly #free: FreeBlocks;
  #blocks: Buffer[] | undefined;
  bytes = 0;

  constructor(free: FreeBlocks) {
    this.#free = free;
  }

  append(chunk: Buffer): void {
    const blocks = (this.#blocks ??= []);
    for (let from = 0; from < chunk.length;) {
      const offset = this.bytes % BLOCK_BYTES;
      if (offset === 0) blocks.push(this.#free.take());
      const copied = chunk.copy(blocks.at(-1) as Buffer, offset, from);
      from += copied;
      this.bytes += copied;
    }
    freeChunk(chunk);
  }

  copyInto(target: Buffer): void {
    this.#blocks?.forEach((block, n) =>
      block.copy(target, n * BLOCK_BYTES, 0, Math.min(BLOCK_BYTES, this.bytes - n * BLOCK_BYTES)),
    );
  }

  free(): void {
    for (const block of this.#blocks ?? []) this.#free.give(block);
    this.#blocks = undefined;
    this.bytes = 0;
  }
}
