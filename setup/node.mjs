import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNewEnough, lockFileOf, nodePackageFor } from './node-version.mjs';
import { npmWith } from './npm.mjs';
import { tools } from './paths.mjs';
import { runStep, SetupError } from './run-step.mjs';

const INSTALL_LIMIT_MS = 600_000;
const directory = join(tools, 'node');

/**
 * A Node that is new enough: the one that runs now, or the one that was installed before; undefined if neither is.
 * @returns {string | undefined}
 */
export function nodeAtHand() {
  if (isNewEnough(process.version)) return process.execPath;
  const wanted = nodePackageFor(process.platform, process.arch);
  if (wanted === undefined) return undefined;
  const at = join(directory, 'node_modules', wanted.name);
  try {
    const { version } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
    const node = join(at, 'bin', 'node');
    return version === wanted.version && existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Installs a Node of this project's own from npm into .tools/node; whole or not at all.
 * @returns {Promise<string>} its path
 * @throws {SetupError}
 */
export async function installNode() {
  const wanted = nodePackageFor(process.platform, process.arch);
  if (wanted === undefined) {
    throw new SetupError(
      `this is Node ${process.version}: install Node 24.12 or newer (nodejs.org), then run this again`,
    );
  }
  const partial = `${directory}.new`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const lockFile = lockFileOf(wanted);
  writeFileSync(join(partial, 'package-lock.json'), JSON.stringify(lockFile));
  writeFileSync(join(partial, 'package.json'), JSON.stringify({ private: true, ...lockFile.packages[''] }));
  const npm = npmWith(process.execPath);
  await runStep(
    `Installing Node ${wanted.version} beside yours (${process.version}), about 50 MB`,
    npm.command,
    [...npm.args, 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'],
    { cwd: partial, env: npm.env, limitMs: INSTALL_LIMIT_MS },
  );
  requireRunning(join(partial, 'node_modules', wanted.name, 'bin', 'node'));
  rmSync(directory, { recursive: true, force: true });
  renameSync(partial, directory);
  return join(directory, 'node_modules', wanted.name, 'bin', 'node');
}

function requireRunning(node) {
  try {
    execFileSync(node, ['--version'], { stdio: 'ignore', timeout: 30_000 });
  } catch (error) {
    throw new SetupError(
      `the Node from npm does not run here (${error.message}): install Node 24.12 or newer (nodejs.org)`,
    );
  }
}
