import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const SYSTEM_DIRECTORIES = [
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];

/**
 * The first of `names` that can be executed, in PATH or in the usual directories (an ordinary user's PATH has no sbin).
 * @param {readonly string[]} names
 * @returns {string | undefined}
 */
export function findCommand(names, path = process.env.PATH ?? '') {
  const directories = [...path.split(delimiter), ...SYSTEM_DIRECTORIES].filter((directory) => directory !== '');
  return names.flatMap((name) => directories.map((directory) => join(directory, name))).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
