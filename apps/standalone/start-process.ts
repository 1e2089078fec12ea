import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { settledWithin } from '#runtime/deadline.ts';
import type { BoundedLog } from './bounded-log.ts';
import type { Started } from './keep-running.ts';

export type RunningProcess = Started;

export interface ProcessOptions {
  name: string;
  env: Record<string, string | undefined>;
  log: BoundedLog;
  /** Gets the lines that a person should see: errors, and what the process says while it starts. */
  onTrouble: (line: string) => void;
}

/**
 * Half of what Node 24 lets the young generation grow to: 200 uploads at once cost it 55 MiB less. And the old one is looked
 * through when it has grown by 30 %: on a machine with much memory V8 lets it grow fourfold (docs/performance.md).
 */
const NODE_FLAGS: Record<string, readonly string[]> = {
  ingress: ['--max-semi-space-size=16', '--heap-growing-percent=30'],
};
/** A process that was told to stop has this long to finish what it does. */
const STOP_LIMIT_MS = 5_500;
const root = join(import.meta.dirname, '..', '..');

/**
 * Starts `apps/<name>/main.ts` in a session of its own: a terminal's Ctrl-C reaches only us, and the channel's end tells
 * it that we are gone.
 */
export function startProcess({ name, env, log, onTrouble }: ProcessOptions): Started {
  const child = spawn(process.execPath, [...(NODE_FLAGS[name] ?? []), join('apps', name, 'main.ts')], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    log.write(line);
    const trouble = troubleIn(line);
    if (trouble !== undefined) onTrouble(trouble);
  });
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    log.write(line);
    onTrouble(line);
  });
  const ended = exitOf(child);
  return {
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      if (await settledWithin(STOP_LIMIT_MS, ended)) return;
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Waits for the output too, so that the last line of a failed start is not missed. */
async function exitOf(child: ChildProcess): Promise<number> {
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code ?? 128;
  } catch {
    return 127;
  }
}

const ERROR_LEVEL = 50;

/** The message of an error in a log line, or undefined. */
export function troubleIn(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } };
    if (typeof level !== 'number' || level < ERROR_LEVEL) return undefined;
    const cause = typeof err?.message === 'string' ? `: ${err.message}` : '';
    return `${String(msg)}${cause}`;
  } catch {
    return undefined;
  }
}
