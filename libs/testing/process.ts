import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { environment } from '#runtime/config.ts';
import { settledWithin } from '#runtime/deadline.ts';

const ROOT = join(import.meta.dirname, '../..');
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 12_000;

export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  /** The port of its log line that says so. */
  readonly port: number;
  readonly origin: string;
  /** All it has printed. */
  logged(): string;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or undefined if a signal ended it. */
  readonly ended: Promise<number | undefined>;
}

export interface TestProcessOptions {
  args?: readonly string[];
  env: Record<string, string>;
}

/** Starts one of the apps as its own process, with no settings but these and a DATA_DIR of the run, and waits until it listens. */
export async function startProcess(script: string, { args = [], env }: TestProcessOptions): Promise<TestProcess> {
  const { child, logged, ended } = launch(script, args, env);
  const port = await portIn(logged, child, ended, script);
  return {
    pid: child.pid as number,
    port,
    origin: `http://127.0.0.1:${port}`,
    logged,
    ended,
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      if (!(await settledWithin(STOP_LIMIT_MS, ended))) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs one of the apps to its end. */
export async function runProcessToEnd(
  script: string,
  { args = [], env }: TestProcessOptions,
): Promise<{ code: number | undefined; logged: string }> {
  const { logged, ended } = launch(script, args, env);
  return { code: await ended, logged: logged() };
}

async function portIn(
  logged: () => string,
  child: ChildProcess,
  ended: Promise<unknown>,
  script: string,
): Promise<number> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const giveUpAtMs = Date.now() + START_LIMIT_MS;
  for (;;) {
    const port = /"port":(\d+)/.exec(logged())?.[1];
    if (port !== undefined) return Number(port);
    if (hasEnded || Date.now() > giveUpAtMs) {
      child.kill('SIGKILL');
      throw new Error(`${script} did not start:\n${logged()}`);
    }
    await sleep(20);
  }
}

function launch(script: string, args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], {
    env: { PATH: environment()['PATH'], HOME: environment()['HOME'], DATA_DIR: inject('services').scratch, ...env },
    // The child ends with us: it hears when this channel closes.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let text = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  const ended = once(child, 'exit').then(([code]: (number | null)[]) => code ?? undefined);
  return { child, logged: () => text, ended };
}
