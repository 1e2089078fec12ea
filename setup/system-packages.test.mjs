import { expect, it } from 'vitest';
import { briefly, hindranceToInstall, missingPrograms } from './system-packages.mjs';

const able = { env: {}, platform: 'linux', isRoot: true, hasApt: true };

it.each([
  ['root on Debian', able, undefined],
  ['SETUP_PACKAGES=no', { ...able, env: { SETUP_PACKAGES: 'no' } }, 'SETUP_PACKAGES=no'],
  [
    'SETUP_PACKAGES=NO, as an ordinary user',
    { ...able, env: { SETUP_PACKAGES: 'NO' }, isRoot: false },
    'SETUP_PACKAGES=no',
  ],
  ['an ordinary user', { ...able, isRoot: false }, 'not root'],
  ['macOS', { ...able, platform: 'darwin', hasApt: false, isRoot: false }, 'no apt-get here'],
  ['another Linux', { ...able, hasApt: false }, 'no apt-get here'],
  [
    'a machine without network, just after a failure',
    { ...able, lastFailure: { ageMs: 60_000, reason: 'no network' } },
    'installing it failed less than an hour ago: no network',
  ],
  ['the same machine an hour later', { ...able, lastFailure: { ageMs: 3_600_000, reason: 'no network' } }, undefined],
])('says what keeps it from installing packages: %s', (_title, machine, expected) => {
  expect(hindranceToInstall(machine)).toBe(expected);
});

it('wants no scanner where CLAMD_URL names one', () => {
  expect(missingPrograms(['scanner'], { PATH: '/nowhere', CLAMD_URL: 'tcp://clamd:3310' })).toEqual([]);
});

it('says in one line why apt failed', () => {
  const output =
    'Downloading them: failed (100)\nErr:1 http://deb.example\nE: Failed to fetch it\nE: Some files failed';
  expect(briefly(output)).toBe('Failed to fetch it');
  expect(briefly('Downloading them: failed (no end within 240 s)\n')).toBe(
    'Downloading them: failed (no end within 240 s)',
  );
});
