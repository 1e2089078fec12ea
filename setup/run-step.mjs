import { spawn } from 'node:child_process';

/** What went wrong, in words for the person at the terminal: no stack trace is shown. */
export class SetupError extends Error {}

const TERMINAL_MS = 500;
const LOG_MS = 5_000;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const KEPT_CHARACTERS = 4_000;

/**
 * Runs one long step: says `title`, then how long it has been at it, then that it is done. Its output is shown only if it fails.
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ limitMs: number, env?: NodeJS.ProcessEnv, cwd?: string, detached?: boolean, progress?: () => string }} options
 *   `detached`: a Ctrl-C lets it finish
 * @throws {SetupError}
 */
export async function runStep(title, command, args, { limitMs, env = process.env, cwd, detached = false, progress }) {
  const startedAt = Date.now();
  const stopTelling = tell(title, () => `${progress?.() ?? ''}${Math.round((Date.now() - startedAt) / 1000)} s`);
  const exitIfAsked = detached ? postponeSignals() : () => undefined;
  const { code, output } = await outcome(command, args, { limitMs, env, cwd, detached });
  stopTelling(code === 0);
  exitIfAsked();
  if (code !== 0) {
    throw new SetupError(`${title}: failed (${code})\n${output.trim()}`);
  }
}

/** For a step that must not be cut in two: signals count after it. */
function postponeSignals() {
  const asked = [];
  const note = (signal) => asked.push(signal);
  for (const signal of ENDING) process.on(signal, note);
  return () => {
    for (const signal of ENDING) process.off(signal, note);
    if (asked.length > 0) process.kill(process.pid, asked[0]);
  };
}

/** @returns {Promise<{ code: number | string, output: string }>} */
function outcome(command, args, { limitMs, env, cwd, detached }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, cwd, detached, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let late = false;
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARACTERS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limitMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ code: error.message, output });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: late ? `no end within ${limitMs / 1000} s` : (code ?? signal ?? 1), output });
    });
  });
}

/** @returns {(done: boolean) => void} */
function tell(title, detail) {
  const isTerminal = process.stdout.isTTY;
  const line = (mark) => `${mark} ${title} (${detail()})`;
  process.stdout.write(isTerminal ? line('·') : `· ${title}\n`);
  const timer = setInterval(
    () => process.stdout.write(isTerminal ? `\r\u001B[K${line('·')}` : `${line('·')}\n`),
    isTerminal ? TERMINAL_MS : LOG_MS,
  );
  return (done) => {
    clearInterval(timer);
    process.stdout.write(`${isTerminal ? '\r\u001B[K' : ''}${line(done ? '✓' : '✗')}\n`);
  };
}
