import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';

const bin = (name) => join('node_modules', '.bin', name);

/** Checks that need nothing but the sources. */
export const staticChecks = [
  { title: 'types (tsc)', command: bin('tsc'), args: ['-p', '.'] },
  ...(existsSync(join(root, 'apps/console/tsconfig.json'))
    ? [{ title: 'types of the console (tsc)', command: bin('tsc'), args: ['-p', 'apps/console'] }]
    : []),
  { title: 'types of the example (tsc)', command: bin('tsc'), args: ['-p', 'examples/host-app'] },
  { title: 'lint (oxlint)', command: bin('oxlint'), args: [] },
  { title: 'format (oxfmt)', command: bin('oxfmt'), args: ['--check', '.'] },
  { title: 'fences (dependency-cruiser)', command: bin('depcruise'), args: ['apps', 'libs', 'mikro-orm.config.ts'] },
];

/** Entities and migrations say the same; asked of a real database. */
export const migrationCheck = {
  title: 'migrations (migration:check)',
  command: process.execPath,
  args: ['libs/testing/check-migrations.ts'],
};

/**
 * Runs one command, its output shown as it comes.
 * @param {{ title: string, command: string, args: readonly string[], env?: NodeJS.ProcessEnv, limitMs?: number }} check
 * @returns {Promise<{ title: string, passed: boolean, seconds: number, note: string }>}
 */
export function runCheck({ title, command, args, env = process.env, limitMs = 600_000 }) {
  process.stdout.write(`\n── ${title}\n`);
  const startedAt = Date.now();
  return new Promise((resolve) => {
    const end = (passed, note) => resolve({ title, passed, note, seconds: (Date.now() - startedAt) / 1000 });
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'], timeout: limitMs });
    // A Ctrl-C reaches it by itself.
    const passOn = (signal) => child.kill(signal);
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, passOn);
    child.once('error', (error) => end(false, error.message));
    child.once('exit', (code, signal) => {
      for (const passed of ['SIGTERM', 'SIGHUP']) process.off(passed, passOn);
      end(code === 0, code === 0 ? '' : `exit ${code ?? signal}`);
    });
  });
}

/** @param {readonly { title: string, passed: boolean, seconds: number, note: string }[]} results */
export function showResults(results) {
  process.stdout.write('\n');
  for (const { title, passed, seconds, note } of results) {
    process.stdout.write(`${passed ? '✓' : '✗'} ${title} ${seconds.toFixed(1)} s${note === '' ? '' : ` (${note})`}\n`);
  }
}
