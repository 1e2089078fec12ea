import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileBytes, type FileBytes } from '#uploads/inspect/file-bytes.ts';

/** Bytes that must be read at any place but came as a stream: a file without a name, gone when this is. */
export interface ScratchFile {
  write(chunk: Buffer): void;
  bytes(): FileBytes;
  close(): void;
}

export function openScratchFile(): ScratchFile {
  const path = join(tmpdir(), `portcullis-${randomBytes(16).toString('hex')}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  let size = 0;
  return {
    write(chunk) {
      let written = 0;
      while (written < chunk.length) written += writeSync(fd, chunk, written, chunk.length - written, size + written);
      size += chunk.length;
    },
    bytes: () => openFileBytes(fd, size),
    close: () => closeSync(fd),
  };
}
