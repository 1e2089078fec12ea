import { Pool, TypeOverrides, types, type PoolClient } from 'pg';
import { Failure } from '#runtime/failure.ts';
import { url } from '#runtime/config.ts';

export type { Pool, PoolClient } from 'pg';

export const databaseSettings = {
  DATABASE_URL: url('postgres', 'postgresql'),
};

/** Whatever runs a statement: a pool, or a client inside its transaction. */
export interface Queryable {
  query: Pool['query'];
}

export interface PoolOptions {
  /** Shown in pg_stat_activity. */
  name: string;
  max: number;
  connectMs?: number;
  /** Enforced by the server; `queryMs` covers a server that is frozen. */
  statementMs?: number;
  queryMs?: number;
  lockMs?: number;
  onError: (error: Error) => void;
  /** Further start-up options, such as `-c search_path=bullmq`. */
  options?: string;
}

/** A bounded pool whose every wait has a deadline, and whose lost connections never end the process. */
export function openPool(connectionString: string, options: PoolOptions): Pool {
  const { connectMs = 2_000, statementMs = 10_000, queryMs = statementMs + 1_000, lockMs = 5_000 } = options;
  const pool = new Pool({
    connectionString,
    application_name: `portcullis-${options.name}`,
    max: options.max,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: queryMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: queryMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    ...(options.options === undefined ? {} : { options: options.options }),
    types: numbersForCounts(),
  });
  pool.on('error', options.onError);
  // Without this the loss of a checked-out client is an uncaught exception.
  pool.on('connect', (client) => client.on('error', options.onError));
  return pool;
}

/** Counts fit a number; by default bigint arrives as text. */
function numbersForCounts(): TypeOverrides {
  const overrides = new TypeOverrides();
  overrides.setTypeParser(types.builtins.INT8, Number);
  return overrides;
}

/**
 * Runs `work` in one transaction: committed if it returns, rolled back if it throws. Once `signal` is aborted its connection
 * is dropped, so that work which never ends holds none; whatever it does with it then fails.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  let isReleased = false;
  const release = (): void => {
    if (!isReleased) client.release(broken);
    isReleased = true;
  };
  const drop = (): void => {
    broken = new Error('the transaction was given up');
    release();
  };
  signal?.addEventListener('abort', drop);
  if (signal?.aborted === true) drop();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    signal?.removeEventListener('abort', drop);
    release();
  }
}

const UNAVAILABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57014', // query_canceled: a time-out
  '55P03', // lock_not_available
  '53300', // too_many_connections
  '53100', // disk_full
  '53200', // out_of_memory
  '25P03', // idle_in_transaction_session_timeout
  '25006', // read_only_sql_transaction: a fail-over is under way
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);
const UNAVAILABLE_MESSAGE = /terminat|timeout|timed out|connection error|not queryable|ended|closed/i;

/** Whether the database, rather than the statement or its values, is at fault; so that a retry spends no attempt. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  if (error instanceof Failure) return error.code === 'database-unavailable';
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code !== undefined) return UNAVAILABLE_CODES.has(code) || code.startsWith('08') || code.startsWith('58');
  // The driver's own errors are plain; a TypeError is a bug, whatever its message says.
  return error.constructor === Error && UNAVAILABLE_MESSAGE.test(error.message);
}

/** Turns an error of an unreachable database into the failure `database-unavailable`; every other error stays what it is. */
export function databaseFailure(error: unknown): unknown {
  return isDatabaseUnavailable(error) ? new Failure('database-unavailable', { cause: error }) : error;
}

/** @throws Error if the database does not store UTF-8. */
export async function requireUtf8(pool: Queryable): Promise<void> {
  const { rows } = await pool.query<{ server_encoding: string }>('show server_encoding');
  const encoding = rows[0]?.server_encoding;
  if (encoding !== 'UTF8') {
    throw new Error(
      `DATABASE_URL: the database is encoded as ${encoding}; portcullis needs a database with encoding UTF8`,
    );
  }
}
