import { join } from 'node:path';
import { valueOf, type Environment } from '#runtime/config.ts';
import { openBoundedLog } from './bounded-log.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { openEventInbox, type EventInbox } from './event-inbox.ts';
import { generatedSettings, isGiven } from './generated-settings.ts';
import { holdDataDirectory, shownPath } from './hold-data-directory.ts';
import { keepRunning } from './keep-running.ts';
import { listeningPlaces } from './listening-places.ts';
import { environmentsOf, forwardingTo, forwardsNowhere } from './process-environment.ts';
import { openScanner } from './scanner.ts';
import { removeRunning, writeRunning } from './running.ts';
import type { StandaloneConfig } from './settings.ts';
import { startProcess, type RunningProcess } from './start-process.ts';
import { summaryOf } from './summary.ts';
import { openTroubleLines } from './trouble.ts';
import { waitUntilReady } from './wait-until-ready.ts';

export interface StandaloneParts {
  config: StandaloneConfig;
  env: Environment;
  /** Gets what must be closed, in the order it was opened. */
  stack: AsyncDisposableStack;
  say: (line: string) => void;
  /** Ends the start at its next step. */
  signal: AbortSignal;
}

const PROCESSES = ['ingress', 'worker', 'board'] as const;

/**
 * Starts everything: what the environment does not give is made (secrets, first admin) or run here (the database), then
 * ingress, worker and board run as processes of their own, each started again when it ends.
 */
export async function startStandalone({ config, env, stack, say, signal }: StandaloneParts): Promise<void> {
  const dataDir = config.DATA_DIR;
  holdDataDirectory(dataDir, stack);
  const places = await listeningPlaces({
    PORT: { host: config.HOST, port: config.PORT },
    BOARD_PORT: { host: config.BOARD_HOST, port: config.BOARD_PORT },
    WORKER_PORT: { host: config.HOST, port: config.WORKER_PORT },
  });
  const addresses = {
    ingress: places.PORT.address,
    worker: places.WORKER_PORT.address,
    board: places.BOARD_PORT.address,
  };
  const generated = generatedSettings(dataDir);
  if (generated.fresh) say(`✓ Made secrets and the first admin in ${shownPath(dataDir)}, readable by you only`);

  const logs = openLogs(dataDir, stack);
  const stores: Record<string, string> = {};
  let cluster: string | undefined;
  if (config.DATABASE_URL === undefined) {
    const store = await openEmbeddedStore({ dataDir, passwords: generated.database, log: logs.postgres, say });
    stack.defer(() => store.close());
    stores['DATABASE_URL'] = store.url;
    stores['MIGRATE_DATABASE_URL'] = store.ownerUrl;
    cluster = store.cluster;
    say('✓ PostgreSQL is running');
  }
  signal.throwIfAborted();
  const scanner =
    config.CLAMD_URL === undefined ? await openScanner({ dataDir, env, log: logs.clamd, say }) : undefined;
  if (scanner !== undefined) stack.defer(() => scanner.close());

  // Who brings a database of their own is past trying out.
  const inbox = cluster !== undefined && forwardsNowhere(env) ? await openEventInbox() : undefined;
  if (inbox !== undefined) stack.defer(() => inbox.close());

  const ports = Object.fromEntries(Object.entries(places).map(([setting, { port }]) => [setting, String(port)]));
  const publicUrl = valueOf('PUBLIC_URL', env) ?? `http://localhost:${places.PORT.port}`;
  const environments = environmentsOf({
    env,
    settings: {
      ...stores,
      ...scanner?.settings,
      ...ports,
      PUBLIC_URL: publicUrl,
      BOARD_URL: valueOf('BOARD_URL', env) ?? addresses.board,
      DATA_DIR: dataDir,
    },
    generated,
  });
  if (inbox !== undefined) environments.worker = forwardingTo(inbox, environments.worker);
  const begin = (name: 'migrate' | (typeof PROCESSES)[number]): RunningProcess =>
    startProcess({
      name,
      env: environments[name],
      log: logs[name],
      onTrouble: openTroubleLines(name, shownPath(logPath(dataDir, name)), say),
    });

  await migrate(begin('migrate'), signal);
  say('✓ The database is up to date');

  const stops: (() => Promise<void>)[] = [];
  stack.defer(async () => {
    await Promise.all(stops.map((stop) => stop()));
  });
  const outcomes = await Promise.allSettled(
    PROCESSES.map(async (name) => {
      const first = begin(name);
      let stop = (): Promise<void> => first.stop();
      stops.push(() => stop());
      await waitUntilReady(name, { address: addresses[name], ended: first.ended, signal });
      stop = keepRunning(first, async () => begin(name), { name, say });
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  say('✓ ingress, worker and board are running, each a process of its own\n');

  writeRunning(dataDir, {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    addresses,
    settings: environments.running,
    ...(inbox === undefined ? {} : { inbox: { url: inbox.url, token: inbox.token } }),
  });
  stack.defer(() => removeRunning(dataDir));
  say(
    summaryOf({
      config,
      addresses,
      publicUrl,
      dataDir: shownPath(dataDir),
      cluster: cluster && shownPath(cluster),
      hasScanner: scanner !== undefined,
      events: eventsText(env, inbox),
      files: generated.files,
    }),
  );
}

/** Where events go. */
function eventsText(env: Environment, inbox: EventInbox | undefined): string {
  if (inbox !== undefined)
    return 'the last 200 are kept here for npm run demo; FORWARD_URL posts them to your application';
  return isGiven('FORWARD_URL', env) ? 'FORWARD_URL' : 'forwarded nowhere: set FORWARD_URL and FORWARD_SECRET';
}

function logPath(dataDir: string, name: string): string {
  return join(dataDir, 'logs', `${name}.log`);
}

function openLogs(dataDir: string, stack: AsyncDisposableStack) {
  const open = (name: string) => stack.adopt(openBoundedLog(logPath(dataDir, name)), (log) => log.close());
  return {
    postgres: open('postgres'),
    clamd: open('clamd'),
    migrate: open('migrate'),
    ingress: open('ingress'),
    worker: open('worker'),
    board: open('board'),
  };
}

async function migrate(migration: RunningProcess, signal: AbortSignal): Promise<void> {
  const stop = (): void => void migration.stop();
  signal.addEventListener('abort', stop, { once: true });
  const exit = await migration.ended;
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (exit !== 0) throw new Error(`The database could not be migrated (exit ${exit})`);
}
