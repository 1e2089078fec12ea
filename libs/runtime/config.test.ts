import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ConfigError,
  integer,
  port,
  readConfig,
  secret,
  secretList,
  url,
  weaknessOf,
  yesNo,
  type Settings,
} from '#runtime/config.ts';

const directory = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(directory, { recursive: true }));

function faultsOf(settings: Settings, env: Record<string, string>): readonly string[] {
  try {
    readConfig(settings, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

const settings = {
  DATABASE_URL: url('postgres', 'postgresql'),
  PORT: port().default(4_000),
  LIMIT: integer(1, 10).optional(),
  SAFE: yesNo(true),
  KEY: secret(),
  OTHER_KEY: secret().optional(),
  ROTATED: secretList().optional(),
};
const good = { DATABASE_URL: 'postgres://localhost/x', KEY: 'k9f2hq8w3nmv71zx' };

it('reads values, defaults and an empty value as unset', () => {
  expect(readConfig(settings, { ...good, PORT: '0', LIMIT: '' })).toMatchObject({
    PORT: 0,
    LIMIT: undefined,
    SAFE: true,
  });
});

it('names every fault at once', () => {
  const faults = faultsOf(settings, { PORT: '70000', LIMIT: '1.5', SAFE: 'maybe', DATABASE_URL: 'mysql://x' });
  expect(faults.map((fault) => fault.split(':', 1)[0])).toEqual(['DATABASE_URL', 'PORT', 'LIMIT', 'SAFE', 'KEY']);
  expect(faults).toContain('KEY: required');
});

it('never shows a value', () => {
  const faults = faultsOf(settings, { DATABASE_URL: 'mysql://user:hunter2@x', KEY: 'hunter2', LIMIT: 'hunter2' });
  expect(faults.length).toBe(3);
  expect(faults.join('\n')).not.toContain('hunter2');
});

describe('secrets', () => {
  it.each([
    ['k9f2hq8w3nmv71z', 'too short'],
    ['change-me-change-me-change-me', 'too weak'],
    ['secret-0123456789abcdef', 'too weak'],
    ['aaaaaaaaaaaaaaaaaaaaaaaa', 'too weak'],
    ['abcdabcdabcdabcdabcd', 'too weak'],
    ['ababccabacbbacbacbab', 'too weak'],
  ])('refuses %s as %s', (value, reason) => {
    expect(weaknessOf(value)).toContain(reason);
  });

  it('refuses one value for two of them', () => {
    expect(faultsOf(settings, { ...good, OTHER_KEY: good.KEY })).toEqual([
      expect.stringContaining('OTHER_KEY: has the same value'),
    ]);
  });

  it('takes several for rotation, each different and strong', () => {
    expect(readConfig(settings, { ...good, ROTATED: 'n3w8hq8w3nmv71zx,0ld7hq8w3nmv71zx' }).ROTATED).toHaveLength(2);
    expect(faultsOf(settings, { ...good, ROTATED: 'n3w8hq8w3nmv71zx,short' })).toHaveLength(1);
    expect(faultsOf(settings, { ...good, ROTATED: 'n3w8hq8w3nmv71zx,n3w8hq8w3nmv71zx' })).toHaveLength(1);
  });
});

describe('NAME_FILE', () => {
  const file = join(directory, 'key');
  writeFileSync(file, 'fr0mf1le3nmv71zxq\n');

  it('reads the setting from a file, without its line end', () => {
    const { KEY: _, ...rest } = good;
    expect(readConfig(settings, { ...rest, KEY_FILE: file }).KEY).toBe('fr0mf1le3nmv71zxq');
  });

  it('names the variable when the file is not there', () => {
    const { KEY: _, ...rest } = good;
    expect(faultsOf(settings, { ...rest, KEY_FILE: join(directory, 'none') })).toEqual([
      "KEY: the file that KEY_FILE names can't be read",
    ]);
  });

  it('refuses a setting that is given twice', () => {
    expect(faultsOf(settings, { ...good, KEY_FILE: file })).toEqual(['KEY: given twice, by KEY and by KEY_FILE']);
  });
});

it('takes other zod types as they are', () => {
  expect(readConfig({ A: z.enum(['x', 'y']).default('x') }, {})).toEqual({ A: 'x' });
});
