import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { makePrivateDirectory } from '#runtime/private-file.ts';
import { takeLock } from '../../setup/lock.mjs';

/** One system a directory: two would share secrets, files and database. */
export function holdDataDirectory(dataDir: string, stack: AsyncDisposableStack): void {
  makePrivateDirectory(dataDir);
  const lock = join(dataDir, 'standalone.lock');
  const holder = takeLock(lock);
  if (holder !== undefined) {
    throw new Error(
      `Portcullis is running from ${shownPath(dataDir)} already (process ${holder}): stop it, or set DATA_DIR to another directory`,
    );
  }
  stack.defer(() => rmSync(lock, { force: true }));
}

/** A path as a person at this terminal would type it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
