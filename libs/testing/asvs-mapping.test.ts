import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { testTexts } from '#testing/named-tests.ts';
import { repository } from '#testing/repository.ts';

const rows = readFileSync(`${repository}/docs/access.md`, 'utf8')
  .split('\n')
  .filter((line) => /^\| [679]\.\d/.test(line));
const texts = new Map([...testTexts()].map(([path, text]) => [basename(path), text]));
const named = rows.flatMap((row) =>
  [...row.matchAll(/`([\w.-]+\.test\.ts)`: ([^:;|…(]+)/g)].map(([, file = '', title = '']) => ({
    id: row.split('|', 2)[1]?.trim() ?? '',
    file,
    title: title.trim(),
  })),
);

it('maps every requirement of levels 1 and 2 in chapters 6, 7 and 9', () => {
  expect(rows).toHaveLength(50);
  expect(named.length).toBeGreaterThan(30);
});

it.each(named)('$id is shown by a test that exists: $file: $title', ({ file, title }) => {
  expect(texts.get(file)?.includes(title)).toBe(true);
});
