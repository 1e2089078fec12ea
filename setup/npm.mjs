import { existsSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { findCommand } from './find-command.mjs';
import { SetupError } from './run-step.mjs';

/**
 * How to run the machine's npm with a given Node.
 * @returns {{ command: string, args: string[], env: NodeJS.ProcessEnv }}
 * @throws {SetupError} where there is no npm
 */
export function npmWith(node, given = process.env) {
  const env = { ...given, PATH: `${dirname(node)}${delimiter}${given.PATH ?? ''}` };
  const script = npmScript(given);
  if (script !== undefined) return { command: node, args: [script], env };
  // A version manager's shim, which is no script of Node's.
  const shim = findCommand(['npm'], given.PATH);
  if (shim === undefined) throw new SetupError('npm was not found: install it (it comes with Node from nodejs.org)');
  return { command: shim, args: [], env };
}

function npmScript(given) {
  const found = findCommand(['npm'], given.PATH);
  const candidates = [
    given.npm_execpath,
    found && realpathSync(found),
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  return candidates.find((path) => path !== undefined && basename(path) === 'npm-cli.js' && existsSync(path));
}
