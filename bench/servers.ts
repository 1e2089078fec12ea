import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../libs/runtime/free-port.ts';
import { spawnTethered } from '../libs/runtime/spawn-tethered.ts';

const root = join(import.meta.dirname, '..');
const READY_LIMIT_MS = 20_000;
/** As docker-compose.yml and npm start run it. */
const NODE_FLAGS: Record<string, readonly string[]> = {
  'apps/ingress/main.ts': ['--max-semi-space-size=16', '--heap-growing-percent=30'],
};

export async function migrateDatabase(env: Record<string, string>): Promise<void> {
  const migrate = await startProgram('apps/migrate/main.ts', env);
  if ((await migrate.ended) !== 0) throw new Error('the migration failed');
}

/** A server on a free port, which is its setting PORT; it is stopped with the stack. */
export async function startServer(
  stack: AsyncDisposableStack,
  file: string,
  env: Record<string, string>,
  flags: readonly string[] = [],
): Promise<{ port: number; pid: number }> {
  const port = await freePort();
  const server = await startProgram(file, { ...env, PORT: String(port), BOARD_PORT: String(port) }, flags);
  stack.defer(() => server.stop([['SIGTERM', 10_000]]));
  const limit = Date.now() + READY_LIMIT_MS;
  while (!(await answers(port))) {
    if (!server.running || Date.now() > limit) throw new Error(`${file} did not start`);
    await sleep(50);
  }
  return { port, pid: server.pid };
}

export const startProgram = (
  file: string,
  env: Record<string, string>,
  flags: readonly string[] = [],
  args: readonly string[] = [],
) =>
  spawnTethered(process.execPath, [...(NODE_FLAGS[file] ?? []), ...flags, join(root, file), ...args], {
    endSignal: 'SIGTERM',
    graceMs: 10_000,
    cwd: root,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
    onLine: (line) => console.error(`  ${file}: ${line}`),
  });

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/livez`);
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
