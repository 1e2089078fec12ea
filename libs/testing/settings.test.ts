import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readComposeFile } from '#testing/compose-file.ts';
import { documentedSettings } from '#testing/env-example.ts';
import { allSettings, processes } from '#testing/processes.ts';
import { repository } from '#testing/repository.ts';
import { sourceFiles } from '#testing/source-files.ts';
import { perSourceSettings } from '#webhooks/source-settings.ts';

/** Set by the system, by npm or by CI; ours only reads them. */
const NOT_OURS = new Set(['PATH', 'HOME', 'LANG', 'TMPDIR', 'CI', 'MIKRO_ORM_CLI_PREFER_TS']);
const names = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '');

const sources = sourceFiles('{apps,libs}/**/*.ts');
const readBySetup = new Set(
  sourceFiles('setup/*.mjs', 'mikro-orm.config.ts')
    .flatMap(({ text }) => names(text, /\benv(?:\.|\[')([A-Z][A-Z0-9_]*)/g))
    .filter((name) => !NOT_OURS.has(name)),
);
const patterns = Object.keys(perSourceSettings).map((name) => `${name}_<S>`);
const composeOnly = names(readComposeFile().text, /\$\{([A-Z0-9_]+)/g);
const documented = documentedSettings();

describe('the settings', () => {
  it('are listed in processes.ts for every program', () => {
    const programs = readdirSync(`${repository}/apps`).filter((app) => existsSync(`${repository}/apps/${app}/main.ts`));
    expect(Object.keys(processes).toSorted()).toEqual(programs.toSorted());
  });

  it('are in processes.ts wherever they are read', () => {
    const table = readFileSync(`${repository}/libs/testing/processes.ts`, 'utf8');
    const read = sources.flatMap(({ path, text }) =>
      names(text, /\breadConfig\((\w+)/g).map((settings) => `${settings} in ${path}`),
    );
    const missing = read.filter((reading) => !new RegExp(`(?:\\.\\.\\.|: )${reading.split(' ', 1)[0]}\\b`).test(table));
    // A function that is called with sourceSettings, and with perSourceSettings under the names of sources.
    expect(new Set(missing)).toEqual(new Set(['settings in libs/webhooks/sources.ts']));
  });

  it('are all in .env.example, once, and nothing else is', () => {
    const expected = new Set([...Object.keys(allSettings), ...patterns, ...readBySetup, ...composeOnly]);
    expect(documented.map(({ name }) => name).toSorted()).toEqual([...expected].toSorted());
  });

  it.each(documented)('say in .env.example what $name means', ({ comment }) => {
    expect(comment).toMatch(/^[A-Z].{10,}\.$/);
  });

  it.each(documented.filter(({ name }) => name in allSettings))(
    'have the default of $name right',
    ({ name, value }) => {
      const schema = allSettings[name]!;
      const byDefault = schema.safeParse(undefined);
      const asDocumented = schema.safeParse(value === '' ? undefined : value);
      expect(asDocumented).toEqual(byDefault);
    },
  );
});
