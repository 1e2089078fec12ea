import { ConfigError, readConfig } from '#runtime/config.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { logSettings, openLog, type Log } from '#runtime/log.ts';

const SHUTDOWN_LIMIT_MS = 8_000;

export interface ProcessParts {
  /** What the process opens, closed in reverse order when it ends. */
  stack: AsyncDisposableStack;
  log: Log;
}

/**
 * Runs one process: `start` opens what it needs, in order; SIGTERM, SIGINT or the end of a supervising parent closes all of
 * it in reverse order, and the process exits 0. A faulty configuration or a failed start exits 1 with every fault listed.
 */
export async function runProcess(name: string, start: (parts: ProcessParts) => Promise<void>): Promise<void> {
  const ended = endSignal();
  const stack = new AsyncDisposableStack();
  let log: Log;
  try {
    log = openLog({ name, level: readConfig(logSettings).LOG_LEVEL });
    guardAgainstBugs(log);
    await start({ stack, log });
  } catch (error) {
    process.stderr.write(`${name}: ${startFault(error)}\n`);
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

/** Runs one task to its end and exits: 0 if it returns, 1 with the reason if it throws. */
export async function runTask(name: string, work: (parts: ProcessParts) => Promise<void>): Promise<void> {
  const stack = new AsyncDisposableStack();
  try {
    const log = openLog({ name, level: readConfig(logSettings).LOG_LEVEL });
    guardAgainstBugs(log);
    await work({ stack, log });
    await settledWithin(SHUTDOWN_LIMIT_MS, stack.disposeAsync());
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${name}: ${startFault(error)}\n`);
    await settledWithin(SHUTDOWN_LIMIT_MS, stack.disposeAsync());
    process.exit(1);
  }
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

function startFault(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  return describe(error);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof AggregateError ? error.errors.map(describe).join('; ') : error.message;
}
