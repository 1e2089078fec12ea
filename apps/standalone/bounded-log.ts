import { createWriteStream, mkdirSync, openSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';

export interface BoundedLog {
  write(line: string): void;
  close(): Promise<void>;
}

/** Appends lines to a file; at `maxBytes` it becomes `<path>.1`, in place of the one before. */
export function openBoundedLog(path: string, { maxBytes = 20 * 1024 * 1024 } = {}): BoundedLog {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  let stream = openStream(path);
  return {
    write(line) {
      const bytes = Buffer.byteLength(line) + 1;
      if (size > 0 && size + bytes > maxBytes) {
        stream.end();
        renameSync(path, `${path}.1`);
        stream = openStream(path);
        size = 0;
      }
      size += bytes;
      stream.write(`${line}\n`);
    },
    close: () =>
      new Promise((resolve) => {
        stream.end(resolve);
      }),
  };
}

function openStream(path: string): WriteStream {
  const stream = createWriteStream(path, { fd: openSync(path, 'a', 0o600) });
  // A full disk must not end the processes whose log this is.
  stream.on('error', () => undefined);
  return stream;
}
