import { expect, it } from 'vitest';
import { isNewEnough, lockFileOf, nodePackageFor } from './node-version.mjs';

it.each([
  ['v20.20.2', false],
  ['v22.23.2', false],
  ['v24.11.9', false],
  ['v24.12.0', true],
  ['v24.100.0', true],
  ['v25.0.0', true],
  ['v100.0.0', true],
  ['nonsense', false],
])('Node %s runs everything: %s', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});

it.each([
  ['linux', 'x64'],
  ['linux', 'arm64'],
  ['darwin', 'arm64'],
])('knows an exact Node for %s-%s that is new enough, pinned by its hash', (platform, arch) => {
  const wanted = nodePackageFor(platform, arch);
  expect(isNewEnough(`v${wanted.version}`)).toBe(true);
  expect(lockFileOf(wanted).packages[`node_modules/${wanted.name}`]).toEqual({
    version: wanted.version,
    integrity: expect.stringMatching(/^sha512-[\w+/]{86}==$/),
  });
});

it('knows none for a machine that npm has none for', () => {
  expect(nodePackageFor('win32', 'x64')).toBeUndefined();
});
