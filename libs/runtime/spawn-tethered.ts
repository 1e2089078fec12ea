import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { settledWithin } from '#runtime/deadline.ts';

export interface TetherOptions {
  /** Sent when this process is gone, however it went. */
  endSignal: NodeJS.Signals;
  /** After `endSignal` and this long, the command is killed. */
  graceMs: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** Gets each line of the command's output, errors included. */
  onLine?: (line: string) => void;
}

export interface TetheredProcess {
  /** The command's own process id. */
  readonly pid: number;
  /** Resolves, never rejects, once the command has ended: its exit code, or 128 + the signal that ended it. */
  readonly ended: Promise<number>;
  readonly running: boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends each signal in turn, waiting as long as it says for the end; SIGKILL last. */
  stop(steps: readonly (readonly [NodeJS.Signals, number])[]): Promise<void>;
}

/** Holds a pipe to us as its standard input: at its end it ends the command. Writes the command's id to descriptor 3. */
const TETHER = `
end=$1 tenths=$2
shift 2
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
child=$!
echo "$child" >&3
{
  exec 1>&- 3>&-
  read -r _ <&4
  kill "-$end" "$child"
  while [ "$tenths" -gt 0 ] && kill -0 "$child"; do sleep 0.1; tenths=$((tenths - 1)); done
  kill -KILL "$child"
} 2>/dev/null &
watcher=$!
exec 1>&- 2>&- 3>&- 4<&-
wait "$child"
status=$?
kill "$watcher"
wait "$watcher"
exit "$status"
`;

/**
 * Starts a command in a session of its own, so that a terminal's Ctrl-C does not reach it, and ends it when this process
 * dies in any way, kill -9 included. The command starts with SIGINT and SIGQUIT ignored, as shells have it.
 */
export async function spawnTethered(
  command: string,
  args: readonly string[],
  { endSignal, graceMs, onLine, ...options }: TetherOptions,
): Promise<TetheredProcess> {
  const tether = ['-c', TETHER, 'sh', endSignal.replace('SIG', ''), String(Math.ceil(graceMs / 100))];
  const shell = spawn('/bin/sh', [...tether, command, ...args], {
    ...options,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  shell.stdin.on('error', () => undefined);
  for (const stream of [shell.stdout, shell.stderr]) {
    createInterface({ input: stream }).on('line', (line) => onLine?.(line));
  }
  let running = true;
  const ended = new Promise<number>((resolve, reject) => {
    shell.once('error', reject);
    shell.once('exit', (code, signal) => {
      running = false;
      resolve(code ?? (signal === null ? 1 : 128));
    });
  });
  const pid = await Promise.race([firstNumber(shell.stdio[3] as Readable), ended.then(() => undefined)]);
  if (pid === undefined) throw new Error(`${command} could not be started`);

  const signal = (name: NodeJS.Signals): void => {
    if (!running) return;
    try {
      process.kill(pid, name);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  return {
    pid,
    ended,
    get running() {
      return running;
    },
    signal,
    async stop(steps) {
      for (const [name, limitMs] of steps) {
        signal(name);
        if (await settledWithin(limitMs, ended)) return;
      }
      signal('SIGKILL');
      await ended;
    },
  };
}

async function firstNumber(stream: Readable): Promise<number | undefined> {
  for await (const line of createInterface({ input: stream })) return Number(line);
  return undefined;
}
