// Runs on Node 20 with nothing installed: brings what is missing, then hands over to Node 24.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { buildConsole, isConsoleBuilt } from './console.mjs';
import { withLock } from './lock.mjs';
import { installNode, nodeAtHand } from './node.mjs';
import { installPackages, isInstalled } from './packages.mjs';
import { root, tools } from './paths.mjs';
import { runningDatabase } from './running-database.mjs';
import { SetupError } from './run-step.mjs';
import { bringSystemPackages, missingPrograms } from './system-packages.mjs';
import { tasks } from './tasks.mjs';

const ORPHAN_POLL_MS = 250;

try {
  process.exitCode = await main(process.argv[2] ?? '', process.argv.slice(3));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function main(name, args) {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (task === undefined) {
    throw new SetupError(`unknown task ${name}; there are: ${Object.keys(tasks).join(', ')}`);
  }
  const node = await setUp(task);
  const env = { ...task.env, ...(task.usesDatabase && runningDatabase()) };
  return handOver(node, [join(root, task.script), ...args], env);
}

/** @returns {Promise<string>} the Node to run everything with */
async function setUp({ wants = [], needsConsole = false }) {
  const isBuilt = () => !needsConsole || isConsoleBuilt();
  const isReady = () => nodeAtHand() !== undefined && isInstalled() && isBuilt();
  if (isReady() && missingPrograms(wants).length === 0) return nodeAtHand();
  const onWait = (holder) => process.stdout.write(`Another set-up is running (process ${holder}): waiting for it\n`);
  return withLock(
    join(tools, 'setup.lock'),
    async () => {
      const node = nodeAtHand() ?? (await installNode());
      if (!isInstalled()) await installPackages(node);
      if (!isBuilt()) await buildConsole(node);
      await bringSystemPackages(wants);
      return node;
    },
    onWait,
  );
}

/** @returns {Promise<number>} the exit code */
function handOver(node, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      cwd: root,
      // The task hears from the channel's end when we are killed.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...defaultsFor(env), PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` },
    });
    // A terminal's Ctrl-C reaches the child by itself; we only wait for it.
    process.on('SIGINT', () => undefined);
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    if (process.env.npm_lifecycle_event !== undefined) whenOrphaned(() => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** npm passes a signal to its shell only, which dies of it without a word to us. */
function whenOrphaned(act) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, ORPHAN_POLL_MS);
  timer.unref();
}

/** What is set already wins. */
function defaultsFor(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => process.env[name] === undefined));
}
