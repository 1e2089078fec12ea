import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentedSettings } from '#testing/env-example.ts';
import { repository } from '#testing/repository.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], {
  cwd: repository,
  exclude: ['**/node_modules/**'],
}).toSorted();
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
/** `NAME_<S>` is one for each source. */
const settings = documentedSettings().map(({ name }) => new RegExp(`^${name.replace('<S>', '[A-Z]+')}(?:_FILE)?$`));
/** Names in capitals that are no settings of ours. */
const OTHERS = ['NODE_EXTRA_CA_CERTS'];

const known = new Map<string, Set<string>>();

/** The anchors of a page, as GitHub makes them of headings: a second one of the same name is numbered. */
function anchorsOf(page: string): Set<string> {
  const anchors = known.get(page) ?? new Set<string>();
  if (known.has(page)) return anchors;
  known.set(page, anchors);
  const prose = read(page).replaceAll(/^```.*?^```$/gms, '');
  for (const [, heading = ''] of prose.matchAll(/^#+ (.+)$/gm)) {
    const name = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    let anchor = name;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${name}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

it('finds the pages', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'SECURITY.md', 'docs/scale.md', 'docs/ops/runbook.md']));
});

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('links to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]+))?\)/g)];
    const broken = links.filter(([, path = '', anchor]) => {
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(repository, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('names scripts, files and settings that exist', () => {
    const run = [...text.matchAll(/npm run ([a-z][a-z:-]*[a-z])/g)].map(([, script = '']) => script);
    const paths = [...text.matchAll(/[\s`]((?:apps|libs|setup|bench|examples|docs)\/[\w./-]+\w)\b/g)].map(
      ([, path = '']) => path,
    );
    const named = [...text.matchAll(/\b([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?==|`)/g)].map(([, name = '']) => name);
    const unknown = [
      ...run.filter((script) => !(script in scripts)),
      ...paths.filter((path) => !existsSync(join(repository, path))),
      ...named.filter((name) => !settings.some((setting) => setting.test(name)) && !OTHERS.includes(name)),
    ];
    expect(unknown).toEqual([]);
  });
});
