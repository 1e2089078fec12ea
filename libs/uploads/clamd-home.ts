import { createHash } from 'node:crypto';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { findProgram } from '#runtime/find-program.ts';

const SYSTEM_DIRECTORIES = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/sbin',
  '/opt/homebrew/bin',
];
const ACCOUNTS = ['clamav', '_clamav', 'nobody'];
/** The address of a unix socket holds 104 bytes on macOS and 108 on Linux. */
const MAX_SOCKET_PATH = 100;

export interface Account {
  uid: number;
  gid: number;
}

/** Where a clamd of ours keeps its files, and who it runs as. */
export interface ClamdHome {
  path: string;
  socketPath: string;
  /** Undefined: as we do. As root clamd would read hostile bytes with all rights. */
  account: Account | undefined;
}

/** Settles the home of clamd under `dataDir`, or outside of it where the account it runs as can't get there. */
export function clamdHome(dataDir: string): ClamdHome {
  const account = process.getuid?.() === 0 ? accountOf(ACCOUNTS) : undefined;
  const inside = join(resolve(dataDir), 'clamd');
  if (account !== undefined) letThrough(dirname(inside));
  const id = createHash('sha256').update(inside).digest('hex').slice(0, 12);
  const path =
    account === undefined || isOpenToAll(dirname(inside)) ? inside : join('/var/lib/portcullis', id, 'clamd');
  mkdirSync(path, { recursive: true, mode: 0o711 });
  const inHome = join(path, 'clamd.sock');
  const socketPath = inHome.length <= MAX_SOCKET_PATH ? inHome : join(tmpdir(), `portcullis-${id}`, 'clamd.sock');
  return { path, socketPath, account };
}

/** A directory in clamd's home that belongs to the account it runs as. */
export function ownDirectory({ account }: ClamdHome, path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (account !== undefined) chownSync(path, account.uid, account.gid);
  return path;
}

/**
 * A copy of the program in clamd's home; undefined if this machine has none. AppArmor confines the one in /usr/sbin to
 * the system's own paths.
 */
export function copyOfProgram({ path }: ClamdHome, name: 'clamd' | 'freshclam'): string | undefined {
  const original = findScanner(name);
  if (original === undefined) return undefined;
  const copy = join(path, 'bin', basename(original));
  mkdirSync(dirname(copy), { recursive: true, mode: 0o755 });
  const isCurrent =
    existsSync(copy) &&
    statSync(copy).size === statSync(original).size &&
    statSync(copy).mtimeMs >= statSync(original).mtimeMs;
  if (!isCurrent) copyFileSync(original, copy);
  return copy;
}

export function findScanner(name: 'clamd' | 'freshclam'): string | undefined {
  return findProgram([name], SYSTEM_DIRECTORIES);
}

/** The account passes through our directory, seeing nothing of what is in it. */
function letThrough(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  if (isOpenToAll(dirname(directory))) chmodSync(directory, 0o711);
}

function isOpenToAll(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
  }
  return true;
}

function accountOf(names: readonly string[]): Account | undefined {
  const lines = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  const accounts = new Map(lines.map((line) => [line.split(':')[0], line.split(':')] as const));
  const fields = names.map((name) => accounts.get(name)).find((found) => found !== undefined);
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) };
}
