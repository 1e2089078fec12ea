import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '#runtime/find-program.ts';

const NAMES = ['redis-server', 'valkey-server'];
const SYSTEM_DIRECTORIES = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

/**
 * A Redis or Valkey server on this machine, or undefined. Debian's redis-tools holds the server under the name of its
 * checker, which acts as the server when called so: a link in `scratch` gives it that name.
 */
export function findRedis(scratch: string): string | undefined {
  const server = findProgram(NAMES, SYSTEM_DIRECTORIES);
  if (server !== undefined) return server;
  const checker = findProgram(['redis-check-rdb'], SYSTEM_DIRECTORIES);
  if (checker === undefined) return undefined;
  const link = join(scratch, 'bin', 'redis-server');
  if (!existsSync(link)) {
    mkdirSync(join(scratch, 'bin'), { recursive: true });
    symlinkSync(checker, link);
  }
  return link;
}
