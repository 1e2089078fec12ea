import { accessSync, constants, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { environment } from '#runtime/config.ts';

const NAMES = ['redis-server', 'valkey-server'];
const SYSTEM_DIRECTORIES = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

/**
 * A Redis or Valkey server on this machine, or undefined. Debian's redis-tools holds the server under the name of its
 * checker, which acts as the server when called so: a link in `scratch` gives it that name.
 */
export function findRedis(scratch: string): string | undefined {
  const directories = [...(environment()['PATH'] ?? '').split(delimiter), ...SYSTEM_DIRECTORIES];
  const server = firstOf(directories, NAMES);
  if (server !== undefined) return server;
  const checker = firstOf(directories, ['redis-check-rdb']);
  if (checker === undefined) return undefined;
  const link = join(scratch, 'bin', 'redis-server');
  if (!existsSync(link)) {
    mkdirSync(join(scratch, 'bin'), { recursive: true });
    symlinkSync(checker, link);
  }
  return link;
}

function firstOf(directories: readonly string[], names: readonly string[]): string | undefined {
  return directories
    .filter((directory) => directory !== '')
    .flatMap((directory) => names.map((name) => join(directory, name)))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
