import { globSync, readFileSync } from 'node:fs';
import { repository } from '#testing/repository.ts';

export interface NamedTest {
  /** From the repository's root. */
  path: string;
  title: string;
}

/** The text of every test file, under its path from the repository's root. */
export function testTexts(): Map<string, string> {
  const paths = globSync('{apps,libs}/**/*.test.ts', { cwd: repository, exclude: ['**/node_modules/**'] });
  return new Map(paths.map((path) => [path, readFileSync(`${repository}/${path}`, 'utf8')]));
}

/** Whether the source of a test has this title as a whole literal, `%s` and all. */
export function hasTitle(source: string, title: string): boolean {
  return [`'${title}'`, `"${title}"`, `\`${title}\``].some((literal) => source.includes(literal));
}

/** The tests that a page in docs/ names, written as a link to the file, a space and `"title"`, or several with commas between. */
export function namedTests(page: string): NamedTest[] {
  return [...page.matchAll(/\]\(\.\.\/([\w./-]+\.test\.ts)\)((?:,? "[^"]+")+)/g)].flatMap(
    ([, path = '', titles = '']) => [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ path, title })),
  );
}
