import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnTethered, type TetheredProcess } from '#runtime/spawn-tethered.ts';
import { clamdConfig } from '#uploads/clamd-config.ts';
import { askClamd, type ClamdAddress } from '#uploads/clamd-connection.ts';
import { clamdHome, copyOfProgram, ownDirectory, type ClamdHome } from '#uploads/clamd-home.ts';
import { SIGNATURES_DIRECTORY } from '#uploads/identify-signatures.ts';
import { testSignatures } from '#uploads/test-signatures.ts';

export interface LocalClamdOptions {
  dataDir: string;
  /** Scans at once; as many as there are processors by default. */
  threads?: number;
  /** Further signature files, name to content. */
  signatures?: Record<string, string>;
  /** Whether freshclam fetches the official signatures in the background. */
  update?: boolean;
  /** Whether clamd is started again when it has ended. */
  restart?: boolean;
  onLine?: (line: string) => void;
}

/** A clamd of ours on a socket of its own. */
export interface LocalClamd extends AsyncDisposable {
  /** For CLAMD_URL. */
  readonly url: string;
  readonly address: ClamdAddress;
  readonly threads: number;
  /** Changes when clamd is started again. */
  readonly pid: number;
  readonly signaturesDir: string;
  /** Resolves when clamd answers: with official signatures that takes tens of seconds. */
  ready(limitMs?: number): Promise<void>;
  /** Reads changed signatures. */
  reload(): Promise<void>;
}

const READY_LIMIT_MS = 120_000;
const LOOK_MS = 25;
const RESTART_MS = 1_000;
const STOP_MS = 3_000;
const TETHER = { endSignal: 'SIGTERM', graceMs: STOP_MS } as const;

/** Starts clamd with the limits and signatures that this project ships; undefined if this machine has no clamd. */
export async function openLocalClamd(options: LocalClamdOptions): Promise<LocalClamd | undefined> {
  const { dataDir, threads = availableParallelism(), restart = true, onLine = () => undefined } = options;
  const home = clamdHome(dataDir);
  const program = copyOfProgram(home, 'clamd');
  if (program === undefined) return undefined;
  const signaturesDir = writeSignatures(home, options.signatures ?? {});
  const config = writeConfig(home, signaturesDir, threads);
  const start = (): Promise<TetheredProcess> => {
    rmSync(home.socketPath, { force: true });
    return spawnTethered(program, ['-c', config], { ...home.account, ...TETHER, onLine });
  };
  let clamd = await start();
  let isClosed = false;
  const supervise = async (): Promise<void> => {
    while (true) {
      await clamd.ended;
      if (isClosed || !restart) return;
      onLine('clamd has ended and is started again');
      await sleep(RESTART_MS);
      if (isClosed) return;
      clamd = await start();
    }
  };
  const supervision = supervise().catch((error: Error) => onLine(error.message));
  const updater = options.update === true ? await startUpdater(home, signaturesDir, config, onLine) : undefined;
  const address = { path: home.socketPath };
  return {
    url: `unix:${home.socketPath}`,
    address,
    threads,
    get pid() {
      return clamd.pid;
    },
    signaturesDir,
    ready: (limitMs = READY_LIMIT_MS) => untilReady(address, () => clamd.running || restart, limitMs),
    async reload() {
      await askClamd(address, 'RELOAD', STOP_MS);
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await updater?.stop([['SIGTERM', STOP_MS]]);
      await clamd.stop([['SIGTERM', STOP_MS]]);
      await supervision;
    },
  };
}

async function untilReady(address: ClamdAddress, isComing: () => boolean, limitMs: number): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (true) {
    try {
      if ((await askClamd(address, 'PING', STOP_MS)) === 'PONG') return;
    } catch (error) {
      if (!isComing() || performance.now() > deadlineMs) throw error;
    }
    await sleep(LOOK_MS);
  }
}

function writeSignatures(home: ClamdHome, more: Record<string, string>): string {
  const directory = ownDirectory(home, join(home.path, SIGNATURES_DIRECTORY));
  for (const [name, content] of Object.entries({ ...testSignatures(), ...more })) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o644);
  }
  return directory;
}

function writeConfig(home: ClamdHome, databaseDir: string, threads: number): string {
  const path = join(home.path, 'clamd.conf');
  ownDirectory(home, dirname(home.socketPath));
  const temporaryDir = ownDirectory(home, join(home.path, 'tmp'));
  const isOfficial = readdirSync(databaseDir).some((name) => /^daily\.c[vl]d$/.test(name));
  const { socketPath } = home;
  writeFileSync(path, clamdConfig({ socketPath, databaseDir, temporaryDir, threads, isOfficial }), { mode: 0o644 });
  return path;
}

/** freshclam tells clamd when it has something new; where it has no network it tries again every two hours. */
async function startUpdater(
  home: ClamdHome,
  databaseDir: string,
  clamdConfigPath: string,
  onLine: (line: string) => void,
): Promise<TetheredProcess | undefined> {
  const program = copyOfProgram(home, 'freshclam');
  if (program === undefined) return undefined;
  const path = join(home.path, 'freshclam.conf');
  const lines = [
    `DatabaseDirectory ${databaseDir}`,
    'DatabaseMirror database.clamav.net',
    'Checks 12',
    'ConnectTimeout 15',
    'ReceiveTimeout 600',
    `NotifyClamd ${clamdConfigPath}`,
    'Foreground yes',
    '',
  ];
  writeFileSync(path, lines.join('\n'), { mode: 0o644 });
  return spawnTethered(program, ['--daemon', '--foreground', `--config-file=${path}`], {
    ...home.account,
    ...TETHER,
    onLine,
  });
}
