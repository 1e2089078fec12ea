import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from './paths.mjs';

/**
 * The database of the system that `npm start` has running, for tools that were told of none.
 * @returns {Record<string, string>}
 */
export function runningDatabase(env = process.env) {
  if (env.MIGRATE_DATABASE_URL || env.DATABASE_URL) return {};
  try {
    const file = join(resolve(root, env.DATA_DIR || '.data'), 'running.json');
    const { pid, settings } = JSON.parse(readFileSync(file, 'utf8'));
    process.kill(pid, 0);
    return { MIGRATE_DATABASE_URL: settings.MIGRATE_DATABASE_URL ?? settings.DATABASE_URL };
  } catch {
    return {};
  }
}
