import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { installPackages, isInstalled, stampOf } from './packages.mjs';

const lockFile = (version) =>
  JSON.stringify({ lockfileVersion: 3, packages: { '': {}, 'node_modules/one': { version } } });

/** A project, and an npm that does as `script` says. */
function project(script) {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-packages-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'package-lock.json'), lockFile('1.0.0'));
  const npm = join(directory, 'npm-cli.js');
  writeFileSync(npm, `const { mkdirSync, rmSync, writeFileSync } = require('node:fs');\n${script}`);
  return { directory, env: { PATH: process.env.PATH, npm_execpath: npm } };
}

const install = `
  rmSync('node_modules', { recursive: true, force: true });
  mkdirSync('node_modules/one', { recursive: true });
  writeFileSync('node_modules/one/package.json', '{}');`;

it('installs once for each lock file', async () => {
  const { directory, env } = project(install);
  expect(isInstalled(directory)).toBe(false);
  await installPackages(process.execPath, directory, env);
  expect(isInstalled(directory)).toBe(true);
  writeFileSync(join(directory, 'package-lock.json'), lockFile('2.0.0'));
  expect(isInstalled(directory)).toBe(false);
});

it('runs npm ci, with tools for development whatever NODE_ENV says, and asks nothing', async () => {
  const { directory, env } = project(`
    writeFileSync('called.json', JSON.stringify({ args: process.argv.slice(2), hasInput: process.stdin.isTTY === true }));
    ${install}`);
  await installPackages(process.execPath, directory, { ...env, NODE_ENV: 'production' });
  const { args, hasInput } = (await import(join(directory, 'called.json'), { with: { type: 'json' } })).default;
  expect(args.slice(0, 2)).toEqual(['ci', '--include=dev']);
  expect(hasInput).toBe(false);
});

it.each([
  ['fails', `${install} process.exit(1);`, 'failed (1)'],
  ['is killed half way', `${install} process.kill(process.pid, 'SIGKILL');`, 'failed (SIGKILL)'],
])('does not take an install for whole that %s, although one was there before', async (_title, script, reason) => {
  const { directory, env } = project(script);
  mkdirSync(join(directory, 'node_modules'));
  writeFileSync(join(directory, 'node_modules', '.portcullis-setup'), stampOf(lockFile('1.0.0')));
  expect(isInstalled(directory)).toBe(true);
  await expect(installPackages(process.execPath, directory, env)).rejects.toThrow(reason);
  expect(existsSync(join(directory, 'node_modules', 'one'))).toBe(true);
  expect(isInstalled(directory)).toBe(false);
});

it('leaves a node_modules alone that is a link to somebody else’s', () => {
  const { directory } = project('');
  mkdirSync(join(directory, 'elsewhere'));
  symlinkSync(join(directory, 'elsewhere'), join(directory, 'node_modules'));
  expect(isInstalled(directory)).toBe(true);
});

it('tells machines apart', () => {
  expect(stampOf('{}', 'linux-x64')).not.toBe(stampOf('{}', 'linux-arm64'));
});
