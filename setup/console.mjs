import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { runStep } from './run-step.mjs';

const BUILD_LIMIT_MS = 300_000;
/** What the pages are built from. */
export const SOURCES = ['apps/console', 'libs/client', 'libs/audit/event-types.ts', 'package-lock.json'];
const LEFT_OUT = /(?:^|\/)(?:dist|testing)(?:\/|$)|\.test\.tsx?$/;
const STAMP = join('apps', 'console', 'dist', '.stamp');

/** Whether the web pages were built from the sources as they are. */
export function isConsoleBuilt(directory = root) {
  try {
    return readFileSync(join(directory, STAMP), 'utf8') === stampOf(directory);
  } catch {
    return false;
  }
}

/** Builds the web pages that the ingress serves. */
export async function buildConsole(node, directory = root) {
  const stamp = stampOf(directory);
  const vite = join('node_modules', 'vite', 'bin', 'vite.js');
  await runStep('Building the console', node, [vite, 'build', 'apps/console', '--logLevel=warn'], {
    cwd: directory,
    limitMs: BUILD_LIMIT_MS,
  });
  writeFileSync(join(directory, STAMP), stamp);
}

/** A hash over every source, its name included. */
export function stampOf(directory) {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap((source) => filesIn(directory, source))) {
    const bytes = readFileSync(join(directory, path));
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  return `${hash.digest('hex')}\n`;
}

function filesIn(directory, path) {
  if (LEFT_OUT.test(path) || !existsSync(join(directory, path))) return [];
  if (statSync(join(directory, path)).isFile()) return [path];
  const names = readdirSync(join(directory, path)).sort();
  return names.flatMap((name) => filesIn(directory, `${path}/${name}`));
}
