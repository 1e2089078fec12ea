import { spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedPlace } from '#database/embedded-place.ts';

/** What PostgreSQL and initdb see of the environment: nothing secret, and no language of the machine's. */
export const postgresEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Makes an empty cluster, UTF-8 whatever the machine's language is; whole or not there at all. */
export async function initCluster({ account, cluster, binaries }: EmbeddedPlace, password: string): Promise<void> {
  if (existsSync(cluster)) return;
  const partial = `${cluster}.new`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  const passwordFile = join(partial, 'password');
  const files = join(partial, 'cluster');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) for (const path of [partial, passwordFile]) chownSync(path, account.uid, account.gid);
  await run(
    join(binaries, 'bin', 'initdb'),
    [
      `--pgdata=${files}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
    ],
    { ...account, cwd: partial, env: postgresEnvironment },
  );
  renameSync(files, cluster);
  rmSync(partial, { recursive: true, force: true });
}

function run(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  return new Promise((resolve, reject) => {
    // A group of its own: a Ctrl-C is for us to handle.
    const child = spawn(command, args, {
      ...options,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 120_000,
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`PostgreSQL could not make its files (exit ${code}): ${errors.trim().slice(-1_000)}`));
    });
  });
}

const MAJOR_VERSION = '18';

/** @throws Error if the cluster was made by another major version, whose files this one can't read. */
export function requireVersion(cluster: string): void {
  const version = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  if (version === MAJOR_VERSION) return;
  throw new Error(
    `the database in ${cluster} was made by PostgreSQL ${version}, and this is PostgreSQL ${MAJOR_VERSION}: dump it with the old one, or set DATA_DIR to another directory`,
  );
}

const STOP_STEPS = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const;

/**
 * Ends a PostgreSQL that an earlier, killed run left on this cluster, and clears its id file where the id now belongs to
 * some other process, which would keep PostgreSQL from starting.
 */
export async function endLeftover(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (!(pid > 1)) return;
  if (servesCluster(pid, cluster)) {
    for (const [signal, limitMs] of STOP_STEPS) {
      sendSignal(pid, signal);
      for (let waitedMs = 0; waitedMs < limitMs && servesCluster(pid, cluster); waitedMs += 50) await sleep(50);
      if (!servesCluster(pid, cluster)) break;
    }
  }
  rmSync(file, { force: true });
}

function servesCluster(pid: number, cluster: string): boolean {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout.includes(cluster);
  }
  try {
    // A postmaster's working directory is its cluster; a zombie has none.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
  } catch {
    return false;
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
