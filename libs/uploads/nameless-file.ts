import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { orStorageFull } from '#uploads/disk-file.ts';

/** Files that nobody else can open, and that are gone with the process that made them, however it ends. */
export interface NamelessFiles {
  /** Empty, for writing and reading. The caller closes it. */
  create(): Promise<FileHandle>;
}

const NAME = /^[0-9a-f]{32}$/;

/**
 * A directory for nameless files, which processes may share. One that was killed between making a file and taking its
 * name away has left an empty one: what has such a name is removed.
 */
export async function openNamelessFiles(directory: string): Promise<NamelessFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // NFS keeps a file that is open and has no name under one of its own, .nfs…, which is not ours to remove.
  const names = (await readdir(directory)).filter((name) => NAME.test(name));
  for (const name of names) await rm(join(directory, name), { force: true });
  return {
    async create() {
      const path = join(directory, randomBytes(16).toString('hex'));
      const file = await orStorageFull(open(path, 'wx+', 0o600));
      await rm(path, { force: true });
      return file;
    },
  };
}
