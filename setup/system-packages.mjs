import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand } from './find-command.mjs';
import { tools } from './paths.mjs';
import { runStep, SetupError } from './run-step.mjs';
import { withoutServices } from './without-services.mjs';

/** Programs that npm can't bring. */
const programs = {
  scanner: {
    title: 'the virus scanner (clamd)',
    binaries: ['clamd'],
    givenBy: 'CLAMD_URL',
    debian: ['clamav-daemon', 'clamav-freshclam'],
    homebrew: 'clamav',
    services: ['clamav-daemon.service', 'clamav-daemon.socket', 'clamav-freshclam.service'],
    without: 'uploads wait in quarantine until then',
  },
  redis: {
    title: 'a Redis server for the tests',
    binaries: ['redis-server', 'valkey-server', 'redis-check-rdb'],
    debian: ['redis-tools'],
    homebrew: 'redis',
    services: [],
    without: 'tests that need it are skipped',
  },
  browser: {
    title: 'a browser for the tests (Chromium)',
    binaries: ['chromium', 'chromium-browser', 'google-chrome'],
    debian: ['chromium'],
    homebrew: '--cask chromium',
    services: [],
    without: 'tests that need it are skipped',
  },
};

const UPDATE_LIMIT_MS = 120_000;
const DOWNLOAD_LIMIT_MS = 240_000;
const UNPACK_LIMIT_MS = 600_000;
const RETRY_AFTER_MS = 3_600_000;
const failureMark = join(tools, 'system-packages-failed');

/** @param {readonly (keyof typeof programs)[]} wants */
export function missingPrograms(wants, env = process.env) {
  return wants
    .map((name) => programs[name])
    .filter(({ binaries, givenBy }) => !env[givenBy] && findCommand(binaries, env.PATH) === undefined);
}

/**
 * Installs Debian's packages of what is missing where that may be done, else says how to get it. Never fails: everything
 * else works without them.
 */
export async function bringSystemPackages(wants) {
  const missing = missingPrograms(wants);
  if (missing.length === 0) return;
  const hindrance = hindranceToInstall(thisMachine());
  if (hindrance !== undefined) {
    for (const program of missing) say(`${hintFor(program)} (${hindrance})`);
    return;
  }
  const packages = missing.flatMap(({ debian }) => debian);
  say(
    `Installing Debian packages: ${packages.join(' ')} - ${missing.map(({ title }) => title).join(' and ')}; no service is started, and SETUP_PACKAGES=no prevents this`,
  );
  try {
    await withoutServices(
      missing.flatMap(({ services }) => services),
      () => install(packages),
    );
    rmSync(failureMark, { force: true });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    mkdirSync(tools, { recursive: true });
    writeFileSync(failureMark, `${briefly(error.message)}\n\n${error.message}\n`);
    say(`They could not be installed: ${briefly(error.message)} (more in ${failureMark})`);
  }
  for (const program of missingPrograms(wants)) say(hintFor(program));
}

/** apt's own first word on what went wrong, or ours. */
export function briefly(message) {
  const lines = message.split('\n');
  return (lines.find((line) => line.startsWith('E: ')) ?? lines[0]).replace(/^E: /, '').slice(0, 200);
}

/**
 * Why no package may or can be installed, or undefined.
 * @param {{ env: NodeJS.ProcessEnv, platform: string, isRoot: boolean, hasApt: boolean, lastFailure?: { ageMs: number, reason: string } }} machine
 */
export function hindranceToInstall({ env, platform, isRoot, hasApt, lastFailure }) {
  if (/^(no|false|0)$/i.test(env.SETUP_PACKAGES ?? '')) return 'SETUP_PACKAGES=no';
  if (platform !== 'linux' || !hasApt) return 'no apt-get here';
  if (!isRoot) return 'not root';
  if (lastFailure !== undefined && lastFailure.ageMs < RETRY_AFTER_MS) {
    return `installing it failed less than an hour ago: ${lastFailure.reason}`;
  }
  return undefined;
}

function thisMachine() {
  const hasFailed = existsSync(failureMark);
  return {
    env: process.env,
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    hasApt: findCommand(['apt-get']) !== undefined,
    ...(hasFailed && {
      lastFailure: {
        ageMs: Date.now() - statSync(failureMark).mtimeMs,
        reason: readFileSync(failureMark, 'utf8').split('\n', 1)[0],
      },
    }),
  };
}

function hintFor({ title, debian, homebrew, without }) {
  const command =
    process.platform === 'darwin'
      ? `brew install ${homebrew}`
      : `sudo apt-get install --no-install-recommends ${debian.join(' ')}`;
  return `Without ${title}: ${without}. To get it: ${command}`;
}

async function install(packages) {
  if (!packages.every(isKnown)) await update();
  const archives = archivesDirectory();
  const base = ['install', '--yes', '--no-install-recommends', '--no-remove', `-oDir::Cache::Archives=${archives}`];
  const download = () =>
    apt('Downloading them', [...base, '--download-only', '-oAPT::Keep-Downloaded-Packages=true', ...packages], {
      limitMs: DOWNLOAD_LIMIT_MS,
    });
  try {
    // Old package lists name files that are gone.
    await download().catch(async () => {
      await update();
      await download();
    });
    // Once dpkg is at work it is neither interrupted nor hurried: half a package would break the machine's apt.
    await apt('Unpacking them', [...base, '--no-download', ...packages], { limitMs: UNPACK_LIMIT_MS, detached: true });
  } finally {
    rmSync(archives, { recursive: true, force: true });
  }
}

/** A directory that apt's own unprivileged user can download into. */
function archivesDirectory() {
  const archives = mkdtempSync(join(tmpdir(), 'portcullis-apt-'));
  const partial = join(archives, 'partial');
  chmodSync(archives, 0o755);
  mkdirSync(partial, { mode: 0o700 });
  const uid = /^_apt:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1];
  if (uid !== undefined) chownSync(partial, Number(uid), 0);
  return archives;
}

function update() {
  return apt('Refreshing the package lists', ['update'], { limitMs: UPDATE_LIMIT_MS });
}

function apt(title, args, options) {
  const quiet = [
    '-q',
    '-oAcquire::http::Timeout=15',
    '-oAcquire::https::Timeout=15',
    '-oAcquire::Retries=1',
    '-oDPkg::Lock::Timeout=60',
  ];
  const keepConfiguration = [
    '-oDpkg::Options::=--force-confdef',
    '-oDpkg::Options::=--force-confold',
    '-oDpkg::Use-Pty=0',
  ];
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...proxyOf(process.env),
    LC_ALL: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
    DEBCONF_NONINTERACTIVE_SEEN: 'true',
    NEEDRESTART_SUSPEND: '1',
    APT_LISTCHANGES_FRONTEND: 'none',
  };
  return runStep(title, 'apt-get', [...quiet, ...keepConfiguration, ...args], { env, ...options });
}

function proxyOf(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(https?|no)_proxy$/i.test(name)));
}

function isKnown(name) {
  try {
    return /Candidate: (?!\(none\))/.test(
      execFileSync('apt-cache', ['policy', name], { encoding: 'utf8', timeout: 30_000 }),
    );
  } catch {
    return false;
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
