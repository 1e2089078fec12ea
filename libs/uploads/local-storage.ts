import { constants } from 'node:fs';
import { copyFile, mkdir, open, opendir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectorySync, type DirectorySync } from '#uploads/directory-sync.ts';
import { digestOf, orStorageFull, readChunks, readFleetingChunks, unlessMissing } from '#uploads/disk-file.ts';
import { openGathering, type GatheredFile } from '#uploads/gathered-file.ts';
import type { IncomingFile, Storage, StoredBytes, Zone } from '#uploads/storage.ts';
import { isStoredName, newStoredName, requireStoredName } from '#uploads/stored-name.ts';

/** Storage on a local disk: two directories on one file system, 0700, files 0600. */
export async function openLocalStorage(dataDir: string): Promise<Storage & AsyncDisposable> {
  const paths: Record<Zone, string> = { quarantine: join(dataDir, 'quarantine'), clean: join(dataDir, 'clean') };
  for (const path of Object.values(paths)) await mkdir(path, { recursive: true, mode: 0o700 });
  const syncs = {
    quarantine: await openDirectorySync(paths.quarantine),
    clean: await openDirectorySync(paths.clean),
  };
  const gather = openGathering();
  const pathOf = (zone: Zone, name: string): string => {
    requireStoredName(name);
    return join(paths[zone], name);
  };

  return {
    async create() {
      const name = newStoredName();
      const path = pathOf('quarantine', name);
      const file = gather(await orStorageFull(open(path, 'wx', 0o600)));
      return incomingFile({ name, path, file, directory: syncs.quarantine });
    },
    async open(zone, name) {
      const file = await unlessMissing(open(pathOf(zone, name), constants.O_RDONLY | constants.O_NOFOLLOW));
      return file && bytesOf(file);
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
        if (!entry.isFile() || !isStoredName(entry.name)) continue;
        const found = await unlessMissing(stat(join(paths[zone], entry.name)));
        if (found !== undefined) yield { name: entry.name, sizeBytes: found.size, modifiedAt: found.mtime };
      }
    },
    async restore(zone, { name, path }) {
      const target = pathOf(zone, name);
      await orStorageFull(copyFile(path, target, constants.COPYFILE_EXCL));
      const file = await open(target, 'r+');
      try {
        await file.chmod(0o600);
        await orStorageFull(file.datasync());
      } finally {
        await file.close();
      }
      await syncs[zone].sync();
    },
    async [Symbol.asyncDispose]() {
      await syncs.quarantine.close();
      await syncs.clean.close();
    },
  };
}

async function bytesOf(file: FileHandle): Promise<StoredBytes> {
  try {
    const { size } = await file.stat();
    return {
      sizeBytes: size,
      read: async (range) => readChunks(file, range),
      readFleeting: async () => readFleetingChunks(file),
      descriptor: async () => file.fd,
      digest: () => digestOf(file),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface IncomingParts {
  name: string;
  path: string;
  file: GatheredFile;
  directory: DirectorySync;
}

function incomingFile({ name, path, file, directory }: IncomingParts): IncomingFile {
  return {
    name,
    write(chunk) {
      const written = file.write(chunk);
      return written && orStorageFull(written);
    },
    async commit() {
      // The name has been there since the beginning: neither sync waits for the other.
      await orStorageFull(Promise.all([file.sync(), directory.sync()]));
      await file.close();
    },
    async abort() {
      await file.close().catch(() => undefined);
      // What can't be removed now has no row: the orphan sweep finds it.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}
