import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasTitle, namedTests, testTexts } from '#testing/named-tests.ts';
import { repository } from '#testing/repository.ts';

const texts = testTexts();

describe.each(['threat-model.md', 'hardening-guide.md'])('docs/%s', (name) => {
  const page = readFileSync(`${repository}/docs/${name}`, 'utf8');
  const named = namedTests(page);

  it.each(named)('names a test that exists: $path: $title', ({ path, title }) => {
    expect(hasTitle(texts.get(path) ?? '', title)).toBe(true);
  });

  it('names every test by a link and a title', () => {
    expect(named.length).toBeGreaterThan(30);
    const linked = page.match(/\]\(\.\.\/[\w./-]+\.test\.ts\) "/g) ?? [];
    expect(page.match(/\.test\.ts\b/g)).toHaveLength(linked.length * 2);
  });

  it('names paths that exist', () => {
    const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => `docs/${path}`);
    const paths = [...page.matchAll(/`((?:apps|libs|setup|bench|examples)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect([...links, ...paths].filter((path) => !existsSync(`${repository}/${path}`))).toEqual([]);
  });
});
