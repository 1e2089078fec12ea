import { ConfigError } from '#runtime/config.ts';
import { settledWithin } from '#runtime/deadline.ts';
import type { Log } from '#runtime/log.ts';

const SHUTDOWN_LIMIT_MS = 8_000;

/**
 * Runs one process: `start` opens what it needs on the stack, in order; SIGTERM, SIGINT or the end of a supervising
 * parent closes all of it in reverse order, and the process exits 0. A faulty configuration or a failed start exits 1.
 */
export async function runProcess(
  openLog: () => Log,
  start: (stack: AsyncDisposableStack) => Promise<void>,
): Promise<void> {
  const ended = endSignal();
  const stack = new AsyncDisposableStack();
  let log: Log;
  try {
    log = openLog();
    guardAgainstBugs(log);
    await start(stack);
  } catch (error) {
    reportStart(error);
    await settledWithin(SHUTDOWN_LIMIT_MS, stack.disposeAsync());
    process.exit(1);
  }
  log.info({ signal: await ended }, 'stopping');
  const closed = stack
    .disposeAsync()
    .catch((error: unknown) => log.error({ err: error }, 'a part did not close cleanly'));
  if (!(await settledWithin(SHUTDOWN_LIMIT_MS, closed))) log.warn('stopped before everything was closed');
  log.info('stopped');
  log.flush();
  process.exit(0);
}

function endSignal(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
    process.once('disconnect', () => resolve('parent gone'));
  });
}

function guardAgainstBugs(log: Log): void {
  const fail = (error: unknown): void => {
    log.fatal({ err: error }, 'a bug ended the process');
    log.flush();
    process.exit(70);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}

function reportStart(error: unknown): void {
  const text = error instanceof ConfigError ? error.message : `could not start: ${describe(error)}`;
  process.stderr.write(`${text}\n`);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' && error instanceof AggregateError
    ? error.errors.map(describe).join('; ')
    : error.message;
}
