import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { endLeftover, initCluster, postgresEnvironment, requireVersion } from '#database/embedded-cluster.ts';
import { APP, DATABASE, makeRoles, OWNER, type EmbeddedPasswords } from '#database/embedded-roles.ts';
import { embeddedPlace, type EmbeddedPlace } from '#database/embedded-place.ts';
import { freePort } from '#runtime/free-port.ts';
import { spawnTethered, type TetheredProcess } from '#runtime/spawn-tethered.ts';

export interface EmbeddedOptions {
  /** A private directory; the database is kept in it, or says there where else it is kept. */
  home: string;
  /** Where root keeps what the account of PostgreSQL can't reach in `home`. */
  outside?: string;
  passwords: EmbeddedPasswords;
  /** A loopback port; any free one if left out. */
  port?: number;
  /** Further server settings. */
  settings?: Record<string, string>;
  /** Gets PostgreSQL's log line by line. */
  onLine?: (line: string) => void;
  /** Gets what a person at the terminal should know. */
  say?: (line: string) => void;
}

export interface EmbeddedDatabase extends AsyncDisposable {
  /** The role that owns the schema, for MIGRATE_DATABASE_URL. */
  readonly ownerUrl: string;
  /** The role of the application, for DATABASE_URL. */
  readonly url: string;
  readonly superuserUrl: string;
  readonly pid: number;
  readonly cluster: string;
  readonly port: number;
  /** Resolves when the server has ended, wanted or not. */
  readonly ended: Promise<number>;
}

const READY_LIMIT_MS = 120_000;
const START_TRIES = 5;

/**
 * Starts PostgreSQL from npm's binaries on a free loopback port, making the database on the first run. It does not hear
 * a terminal's Ctrl-C, and ends when this process does, however that goes. What was committed is synced to disk.
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { home, outside = '/var/lib/portcullis', passwords, say = () => undefined } = options;
  const place = embeddedPlace(home, outside, say);
  await initCluster(place, passwords.superuser);
  requireVersion(place.cluster);
  await endLeftover(place.cluster);
  const { server, port } = await startServer(place, options);
  const urlOf = (role: string, password: string, database = DATABASE): string =>
    `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  const superuserUrl = urlOf('postgres', passwords.superuser, 'postgres');
  try {
    await makeRoles(superuserUrl, passwords);
  } catch (error) {
    await stopServer(server);
    throw error;
  }
  return {
    ownerUrl: urlOf(OWNER, passwords.owner),
    url: urlOf(APP, passwords.app),
    superuserUrl,
    pid: server.pid,
    port,
    cluster: place.cluster,
    ended: server.ended,
    [Symbol.asyncDispose]: () => stopServer(server),
  };
}

async function startServer(
  place: EmbeddedPlace,
  { port: wanted, settings = {}, passwords, onLine, say = () => undefined }: EmbeddedOptions,
): Promise<{ server: TetheredProcess; port: number }> {
  for (let tries = 1; ; tries += 1) {
    const port = wanted ?? (await freePort());
    const lastLines: string[] = [];
    const server = await spawnServer(place, { ...settings, port: String(port) }, (line) => {
      lastLines.push(line);
      if (lastLines.length > 20) lastLines.shift();
      onLine?.(line);
    });
    try {
      const url = `postgres://postgres:${encodeURIComponent(passwords.superuser)}@127.0.0.1:${port}/postgres`;
      if (await isReady(server, url, say)) return { server, port };
    } catch (error) {
      await stopServer(server);
      throw error;
    }
    const output = lastLines.join('\n');
    // Another process took the port meanwhile, or the last sessions of a killed server are still ending.
    const isPassing = /could not bind|already in use|shared memory block/i.test(output);
    if (!isPassing || tries === START_TRIES) throw new Error(`PostgreSQL did not start:\n${output}`);
    await sleep(500 * tries);
  }
}

function spawnServer(
  { account, cluster, binaries }: EmbeddedPlace,
  settings: Record<string, string>,
  onLine: (line: string) => void,
): Promise<TetheredProcess> {
  const all = { ...baseSettings, ...settings };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return spawnTethered(join(binaries, 'bin', 'postgres'), ['-D', cluster, ...flags], {
    ...account,
    cwd: cluster,
    env: postgresEnvironment,
    endSignal: 'SIGTERM', // no new sessions, and the end when the last one has gone
    graceMs: 10_000,
    onLine,
  });
}

/** On the command line, so that no file overrules them. */
const baseSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: '150',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  logging_collector: 'off',
  log_destination: 'stderr',
  // Statements hold values; a log must not.
  log_min_error_statement: 'panic',
  cluster_name: 'portcullis',
};

/** Waits for the first answer; false if the server ended before it. */
async function isReady(server: TetheredProcess, url: string, say: (line: string) => void): Promise<boolean> {
  const startedAtMs = Date.now();
  let saidAtMs = startedAtMs;
  while (server.running) {
    const error = await connectionErrorOf(url);
    if (error === undefined) return true;
    if (error === '28P01') throw new Error('the database does not accept the password kept in its DATA_DIR');
    const now = Date.now();
    if (now - startedAtMs > READY_LIMIT_MS)
      throw new Error(`PostgreSQL was not ready within ${READY_LIMIT_MS / 1000} s`);
    if (now - saidAtMs > 5_000) {
      saidAtMs = now;
      say(`PostgreSQL is recovering from its last end (${Math.round((now - startedAtMs) / 1000)} s)`);
    }
    await sleep(50);
  }
  return false;
}

async function connectionErrorOf(connectionString: string): Promise<string | undefined> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Fast shutdown, then immediate: after that the next start recovers from the log, losing nothing. */
async function stopServer(server: TetheredProcess): Promise<void> {
  await server.stop([
    ['SIGINT', 2_500],
    ['SIGQUIT', 400],
  ]);
}
