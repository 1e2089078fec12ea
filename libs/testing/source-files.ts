import { globSync, readFileSync } from 'node:fs';
import { repository } from '#testing/repository.ts';

export interface SourceFile {
  /** From the repository's root, such as `libs/runtime/config.ts`. */
  path: string;
  text: string;
}

/** What ships, without tests. */
export function sourceFiles(...patterns: string[]): SourceFile[] {
  return globSync(patterns, { cwd: repository })
    .filter((path) => !/\.test\.|(?:^|\/)(?:testing|node_modules)\//.test(path))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(`${repository}/${path}`, 'utf8') }));
}
