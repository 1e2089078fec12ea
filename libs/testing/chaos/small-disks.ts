import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Each with its size in MiB: what a run of some minutes needs, and some room. */
export const DISKS = { postgres: 700, redis: 64, data: 64 } as const;
export type Disk = keyof typeof DISKS;

const CHUNK_BYTES = 256 * 1_024;

/** Fills the rest of a disk. The function that it returns makes room again. */
export function fillDisk(disks: string, disk: Disk): () => void {
  const path = join(disks, disk, 'filler');
  const file = openSync(path, 'w', 0o600);
  try {
    for (let bytes = CHUNK_BYTES; bytes > 0; bytes = Math.floor(bytes / 2)) {
      while (writesWhole(file, bytes)) continue;
    }
  } finally {
    closeSync(file);
  }
  return () => rmSync(path, { force: true });
}

function writesWhole(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes, 1)) === bytes;
  } catch {
    return false;
  }
}

/**
 * Runs this script once more with `--disks`, a directory in which each disk is a small file system of its own that nobody else
 * on this machine sees. @returns its exit code, or undefined where this machine lets nobody mount one
 */
export async function runOnSmallDisks(args: readonly string[]): Promise<number | undefined> {
  const me = process.getuid?.() ?? 0;
  const asRoot = me === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
  // Whoever mounts is root in there; what is run had better be who it was before.
  const asMe = me === 0 ? [] : ['unshare', '--user', `--map-user=${me}`, `--map-group=${process.getgid?.() ?? 0}`];
  const base = mkdtempSync(join(tmpdir(), 'portcullis-disks-'));
  try {
    const mounts = Object.entries(DISKS).map(
      ([disk, size]) =>
        `mkdir -p -m 755 '${base}/${disk}' && mount -t tmpfs -o size=${size}m,mode=755 tmpfs '${base}/${disk}'`,
    );
    const script = ['chmod 755 "$0"', ...mounts, 'exec "$@"'].join(' && ');
    const command = [...asRoot, 'sh', '-c', script, base, ...asMe];
    if (!isAllowed([...command, 'true'])) return undefined;
    const run = [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2), ...args, '--disks', base];
    const child = spawn('unshare', [...command, ...run], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function isAllowed(args: readonly string[]): boolean {
  try {
    execFileSync('unshare', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
