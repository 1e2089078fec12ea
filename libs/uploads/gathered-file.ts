import type { FileHandle } from 'node:fs/promises';
import { freeChunk } from '#runtime/free-chunk.ts';

/** A file that is written in larger pieces than it comes in: a call into the thread pool costs more than its copy. */
export interface GatheredFile {
  /**
   * Undefined if the next chunk may come at once; otherwise it resolves when it may. What was not written to the end is in
   * the hands of the next call. The chunk is given away: it is freed when it is written.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** Resolves when all that was given can be read. */
  flush(): Promise<void>;
  /** Resolves when all that was given survives a power cut. */
  sync(): Promise<void>;
  /** Waits for the write that is under way, and drops what was gathered. */
  close(): Promise<void>;
}

/** What one file gathers before it is written, and what all files that come in gather together. */
const GATHER_BYTES = 256 * 1024;
const GATHER_ALL_BYTES = 8 * 1024 * 1024;
/** As much as is read off a socket at once: gathering less would be holding more than one chunk for nothing. */
const LEAST_BYTES = 64 * 1024;

/** Opens gathered files; the more of them are open, the less each gathers, down to nothing. Closing one twice does nothing. */
export function openGathering(): (file: FileHandle) => GatheredFile {
  let opened = 0;
  return (handle) => {
    const file = openGatheredFile(handle, () => {
      const share = GATHER_ALL_BYTES / opened;
      return share < LEAST_BYTES ? 0 : Math.min(GATHER_BYTES, share);
    });
    opened += 1;
    let isOpen = true;
    return {
      ...file,
      async close() {
        if (!isOpen) return;
        isOpen = false;
        opened -= 1;
        await file.close();
      },
    };
  };
}

/**
 * `gatherBytes` tells how many bytes to gather now; as many again may be on their way to the disk. 0: none are gathered, and
 * the next chunk waits until this one is written.
 */
export function openGatheredFile(file: FileHandle, gatherBytes: () => number): GatheredFile {
  let gathered: Buffer[] = [];
  let bytes = 0;
  let writing = Promise.resolve();

  async function begin(): Promise<void> {
    await writing;
    const chunks = gathered;
    gathered = [];
    bytes = 0;
    writing = writeWhole(file, chunks);
    // Reported to whoever comes next.
    writing.catch(() => undefined);
  }

  async function flush(): Promise<void> {
    if (bytes > 0) await begin();
    await writing;
  }

  return {
    write(chunk) {
      gathered.push(chunk);
      bytes += chunk.length;
      const limit = gatherBytes();
      if (limit === 0) return flush();
      return bytes < limit ? undefined : begin();
    },
    flush,
    async sync() {
      await flush();
      await file.datasync();
    },
    async close() {
      gathered = [];
      await writing.catch(() => undefined);
      await file.close();
    },
  };
}

async function writeWhole(file: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  let left = chunks;
  for (;;) {
    const { bytesWritten } = await file.writev(left);
    const bytes = left.reduce((sum, { length }) => sum + length, 0);
    if (bytesWritten === bytes) break;
    left = [Buffer.concat(left).subarray(bytesWritten)];
  }
  for (const chunk of chunks) freeChunk(chunk);
}
