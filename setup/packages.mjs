import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmWith } from './npm.mjs';
import { root } from './paths.mjs';
import { runStep } from './run-step.mjs';

const INSTALL_LIMIT_MS = 1_200_000;
/** Inside node_modules: npm removes it with everything else before it installs anew, so a broken install has none. */
const STAMP = join('node_modules', '.portcullis-setup');

/**
 * What an install depends on: the lock file and the machine.
 * @param {string} lockFile the lock file's text
 */
export function stampOf(lockFile, machine = `${process.platform}-${process.arch}`) {
  return `${machine} ${createHash('sha256').update(lockFile).digest('hex')}\n`;
}

/** Whether node_modules is what the lock file says. A node_modules that is a link is somebody else's to look after. */
export function isInstalled(directory = root) {
  const modules = join(directory, 'node_modules');
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) return true;
  try {
    return readFileSync(join(directory, STAMP), 'utf8') === stampOf(lockFileText(directory));
  } catch {
    return false;
  }
}

/** Runs `npm ci` with this Node. What it is interrupted in does not count as installed. */
export async function installPackages(node, directory = root, env = process.env) {
  rmSync(join(directory, STAMP), { force: true });
  const stamp = stampOf(lockFileText(directory));
  const wanted = packagePaths(directory);
  const there = () => wanted.filter((path) => existsSync(join(directory, path, 'package.json'))).length;
  const npm = npmWith(node, env);
  await runStep(
    'Installing the packages of package-lock.json',
    npm.command,
    [...npm.args, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: directory, env: npm.env, limitMs: INSTALL_LIMIT_MS, progress: () => `${there()} of ${wanted.length}, ` },
  );
  writeFileSync(join(directory, STAMP), stamp);
}

function lockFileText(directory) {
  return readFileSync(join(directory, 'package-lock.json'), 'utf8');
}

/** Where the packages of this machine go, without those for other machines. */
function packagePaths(directory) {
  const { packages } = JSON.parse(lockFileText(directory));
  const fits = (allowed, mine) => allowed === undefined || allowed.includes(mine);
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .filter(([, { os, cpu, libc }]) => fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc'))
    .map(([path]) => path);
}
