import { open } from 'node:fs/promises';

export interface DirectorySync {
  /** Resolves when every name made before this call survives a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** fsync of one directory, shared: whoever asks while one runs waits for the next, together with the others. */
export async function openDirectorySync(path: string): Promise<DirectorySync> {
  const directory = await open(path, 'r');
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function begin(): Promise<void> {
    const current = directory.sync().finally(() => {
      if (running === current) running = undefined;
    });
    running = current;
    return current;
  }

  return {
    sync() {
      if (running === undefined) return begin();
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          return begin();
        });
      return next;
    },
    close: () => directory.close(),
  };
}
