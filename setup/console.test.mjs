import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isConsoleBuilt, SOURCES, stampOf } from './console.mjs';
import { root } from './paths.mjs';

let directory;
const write = (path, text) => {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'console-'));
  write('package-lock.json', '{}');
  write('apps/console/src/main.tsx', 'one');
  write('libs/client/create-client.ts', 'two');
  write('apps/console/dist/.stamp', stampOf(directory));
});
afterEach(() => rmSync(directory, { recursive: true }));

it('is built while the sources are as they were', () => {
  expect(isConsoleBuilt(directory)).toBe(true);
});

it.each(['apps/console/src/main.tsx', 'apps/console/src/new.ts', 'libs/client/create-client.ts', 'package-lock.json'])(
  'is built anew when %s changes',
  (path) => {
    write(path, 'another');
    expect(isConsoleBuilt(directory)).toBe(false);
  },
);

it.each([
  'apps/console/dist/index.html',
  'libs/client/session.test.ts',
  'libs/client/testing/fake.ts',
  'apps/ingress/x.ts',
])('is not built anew for %s', (path) => {
  write(path, 'another');
  expect(isConsoleBuilt(directory)).toBe(true);
});

it('is not built where there is no stamp', () => {
  rmSync(join(directory, 'apps/console/dist'), { recursive: true });
  expect(isConsoleBuilt(directory)).toBe(false);
});

it('knows every source that the pages import', () => {
  const texts = globSync('apps/console/src/**/*.{ts,tsx}', { cwd: root }).map((path) =>
    readFileSync(join(root, path), 'utf8'),
  );
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/^(?!import type).* from '#(.+)';$/gm)].map(([, path]) => `libs/${path}`),
  );
  expect(imported.length).toBeGreaterThan(5);
  expect(
    imported.filter((path) => !SOURCES.some((source) => path === source || path.startsWith(`${source}/`))),
  ).toEqual([]);
});
