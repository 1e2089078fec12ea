import type { FileHandle } from 'node:fs/promises';

/** A file that is written in larger pieces than it comes in: a call into the thread pool costs more than its copy. */
export interface GatheredFile {
  /** Resolves when the next chunk may come. What was not written to the end is in the hands of the next call. */
  write(chunk: Buffer): Promise<void>;
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

/** Opens gathered files; the more of them are open, the less each gathers. Closing one twice does nothing. */
export function openGathering(): (file: FileHandle) => GatheredFile {
  let opened = 0;
  return (handle) => {
    const file = openGatheredFile(handle, () => Math.min(GATHER_BYTES, GATHER_ALL_BYTES / opened));
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

/** `gatherBytes` tells how many bytes to gather now; as many again may be on their way to the disk. */
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
    async write(chunk) {
      gathered.push(chunk);
      bytes += chunk.length;
      if (bytes >= gatherBytes()) await begin();
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
    if (bytesWritten === bytes) return;
    left = [Buffer.concat(left).subarray(bytesWritten)];
  }
}
