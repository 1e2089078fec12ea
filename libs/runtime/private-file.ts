import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a directory that only its owner may look into. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Writes a file that only its owner may read; whole or not at all, whenever the machine stops. */
export function writePrivateFile(path: string, content: unknown): void {
  makePrivateDirectory(dirname(path));
  const partial = `${path}.new`;
  const file = openSync(partial, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(content, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(partial, path);
}

/** Reads what `writePrivateFile` wrote, or undefined where there is no file; takes away what others may do with it. */
export function readPrivateFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  chmodSync(path, 0o600);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: restore it, or remove it to have it made anew`, { cause: error });
  }
}
