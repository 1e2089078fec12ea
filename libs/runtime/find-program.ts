import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { environment } from '#runtime/config.ts';

/** The first program of one of these names that may be run, on the PATH or else in one of the directories. */
export function findProgram(names: readonly string[], directories: readonly string[]): string | undefined {
  return [...(environment()['PATH'] ?? '').split(delimiter), ...directories]
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
