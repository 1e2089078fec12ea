import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '#runtime/failure.ts';
import { openDirectorySync, type DirectorySync } from '#uploads/directory-sync.ts';
import { openGatheredFile, type GatheredFile } from '#uploads/gathered-file.ts';
import type { IncomingFile, Storage, Zone } from '#uploads/storage.ts';

const NAME = /^[0-9a-f]{64}$/;
/** What one file gathers before it is written, and what all files that come in gather together. */
const GATHER_BYTES = 256 * 1024;
const GATHER_ALL_BYTES = 8 * 1024 * 1024;

/** Storage on a local disk: two directories on one file system, 0700, files 0600. */
export async function openLocalStorage(dataDir: string): Promise<Storage & AsyncDisposable> {
  const paths: Record<Zone, string> = { quarantine: join(dataDir, 'quarantine'), clean: join(dataDir, 'clean') };
  for (const path of Object.values(paths)) await mkdir(path, { recursive: true, mode: 0o700 });
  const syncs = {
    quarantine: await openDirectorySync(paths.quarantine),
    clean: await openDirectorySync(paths.clean),
  };
  const pathOf = (zone: Zone, name: string): string => {
    if (!NAME.test(name)) throw new Error('a stored name has 64 hex digits');
    return join(paths[zone], name);
  };

  let comingIn = 0;
  const gatherBytes = (): number => Math.min(GATHER_BYTES, GATHER_ALL_BYTES / comingIn);

  return {
    async create() {
      const name = randomBytes(32).toString('hex');
      const path = pathOf('quarantine', name);
      const file = openGatheredFile(await orStorageFull(open(path, 'wx', 0o600)), gatherBytes);
      comingIn += 1;
      const onEnd = (): void => {
        comingIn -= 1;
      };
      return incomingFile({ name, path, file, directory: syncs.quarantine, onEnd });
    },
    async open(zone, name) {
      return unlessMissing(open(pathOf(zone, name), constants.O_RDONLY | constants.O_NOFOLLOW));
    },
    async move(name, from, to) {
      const moved = await unlessMissing(rename(pathOf(from, name), pathOf(to, name)).then(() => true));
      if (moved !== true) return false;
      await Promise.all([syncs[from].sync(), syncs[to].sync()]);
      return true;
    },
    async remove(zone, name) {
      await rm(pathOf(zone, name), { force: true });
    },
    async *list(zone) {
      for await (const entry of await opendir(paths[zone])) {
        if (!entry.isFile() || !NAME.test(entry.name)) continue;
        const found = await unlessMissing(stat(join(paths[zone], entry.name)));
        if (found !== undefined) yield { name: entry.name, sizeBytes: found.size, modifiedAt: found.mtime };
      }
    },
    async [Symbol.asyncDispose]() {
      await syncs.quarantine.close();
      await syncs.clean.close();
    },
  };
}

interface IncomingParts {
  name: string;
  path: string;
  file: GatheredFile;
  directory: DirectorySync;
  onEnd: () => void;
}

function incomingFile({ name, path, file, directory, onEnd }: IncomingParts): IncomingFile {
  let isOpen = true;
  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    onEnd();
    await file.close();
  }
  return {
    name,
    write: (chunk) => orStorageFull(file.write(chunk)),
    async commit() {
      await orStorageFull(file.sync());
      await close();
      await orStorageFull(directory.sync());
    },
    async abort() {
      await close().catch(() => undefined);
      // What can't be removed now has no row: the orphan sweep finds it.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS']);

async function orStorageFull<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (FULL.has(codeOf(error))) throw new Failure('storage-full', { cause: error });
    throw error;
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
