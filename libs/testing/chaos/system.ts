import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPool, type Pool } from '#database/pool.ts';
import { freePort } from '#runtime/free-port.ts';
import { spawnTethered } from '#runtime/spawn-tethered.ts';
import { PAGE } from '#testing/chaos/chaos-client.ts';
import { openChaosPostgres, type ChaosPostgres } from '#testing/chaos/postgres.ts';
import { openQueueStore, type QueueStoreOptions } from '#testing/chaos/queue-store.ts';
import { openChaosScanner, type ChaosScanner } from '#testing/chaos/scanner.ts';
import { supervise, type Supervised } from '#testing/chaos/supervised.ts';
import { WOOALERTS_TEST_SECRET } from '#testing/chaos/message.ts';
import { openProxy, type Proxy } from '#testing/proxy.ts';
import type { RedisServer } from '#testing/redis-server.ts';
import type { SentinelGroup } from '#testing/sentinel-group.ts';
import { repository } from '#testing/repository.ts';
import { testSecrets } from '#testing/secrets.ts';
import { WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';

export type Backend = QueueStoreOptions['backend'];

/** Everything that a run can hurt. */
export interface ChaosSystem extends AsyncDisposable {
  readonly backend: Backend;
  readonly ingresses: readonly Supervised[];
  readonly workers: readonly Supervised[];
  readonly processes: readonly Supervised[];
  readonly postgres: ChaosPostgres;
  /** Undefined where something else holds the queue. */
  readonly redis: RedisServer | undefined;
  /** Undefined where something else holds the queue. */
  readonly sentinel: SentinelGroup | undefined;
  /** Of the store, past the proxies. */
  readonly queueUrl: string;
  /** Where the small file systems are, if the run has some. */
  readonly disks: string | undefined;
  /** Undefined where this machine has none: then no upload is decided. */
  readonly scanner: ChaosScanner | undefined;
  /** What stands between the processes and their stores. */
  readonly proxies: Readonly<Record<string, Proxy>>;
  /** As the owner of the schema, past the proxies; for the checks. */
  readonly pool: Pool;
  readonly dataDir: string;
  readonly logDir: string;
  /** Sets the clock of every process that is live, by milliseconds from the true time. */
  stepClocks(offsetMs: number): void;
  /** Resolves when every process answers. */
  live(): Promise<void>;
}

export interface ChaosSystemOptions extends Omit<QueueStoreOptions, 'directory'> {
  /** The stores are in here instead of in a directory of the run's own. */
  disks?: string | undefined;
}

type Three = [string, string, string];
/** So that one that leaks, or is given something that takes all memory, ends before the machine does. */
const HEAP = ['--max-old-space-size=384'];
const EFFECTS = 'create table chaos_effect (key text not null)';

/** PostgreSQL, Redis and clamd, two ingresses, three workers and a board: each a process, none of them a copy of another. */
export async function openChaosSystem(options: ChaosSystemOptions): Promise<ChaosSystem> {
  const stack = new AsyncDisposableStack();
  try {
    return await openAll(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function openAll(
  { backend, appendOnly, disks }: ChaosSystemOptions,
  stack: AsyncDisposableStack,
): Promise<ChaosSystem> {
  const scratch = mkdtempSync(join(tmpdir(), 'portcullis-chaos-'));
  chmodSync(scratch, 0o755);
  stack.defer(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const [logDir, control, scannerDir] = ['logs', 'clock', 'scanner'].map((name) => join(scratch, name)) as Three;
  const [dataDir, home, redisDir] = ['data', 'postgres', 'redis'].map((name) => join(disks ?? scratch, name)) as Three;
  for (const directory of [dataDir, logDir, home, redisDir, scannerDir])
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(control, '0');

  const postgres = stack.use(await openChaosPostgres(home));
  const { redis, sentinel } = await openQueueStore({ backend, directory: redisDir, appendOnly }, stack);
  const scanner = await openChaosScanner(scannerDir);
  if (scanner !== undefined) stack.use(scanner);

  const queueStore = redis?.url ?? sentinel?.url ?? postgres.url;
  const proxies: Record<string, Proxy> = {};
  for (const name of ['ingress↔database', 'ingress↔queue', 'worker↔database', 'worker↔queue']) {
    const target = name.endsWith('queue') ? queueStore : postgres.url;
    // Clients go where the Sentinels send them: to what stands before the servers.
    if (target !== sentinel?.url) proxies[name] = stack.use(await openProxy(target));
  }
  const through = (name: string, url: string): string => proxies[name]?.through(url) ?? url;
  const shared = {
    ...testSecrets,
    DATA_DIR: dataDir,
    CHAOS_CONTROL: control,
    WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
    WOOALERTS_WEBHOOK_SECRET: WOOALERTS_TEST_SECRET,
    PUBLIC_URL: PAGE,
    TRUST_PROXY: '127.0.0.1/32',
    UPLOADS_PER_HOUR: '1000000',
    LIMITS_PER_MINUTE: 'anonymous:100000,user:1000000',
    // A sign-in whose answer is lost leaves a session; none of the others may have to make room for it.
    SESSIONS_PER_USER: '1000',
    SCAN_TEST_SIGNATURES: 'allow',
    ...(scanner === undefined ? {} : { CLAMD_URL: scanner.url }),
  };
  const envOf = (side: 'ingress' | 'worker'): Record<string, string> => ({
    ...shared,
    DATABASE_URL: through(`${side}↔database`, postgres.url),
    QUEUE_URL: through(`${side}↔queue`, queueStore),
  });
  await migrate({
    ...shared,
    DATABASE_URL: postgres.url,
    MIGRATE_DATABASE_URL: postgres.ownerUrl,
    QUEUE_URL: queueStore,
  });
  const pool = stack.adopt(
    openPool(postgres.superuserUrl, { name: 'chaos', max: 6, statementMs: 120_000, onError: () => undefined }),
    (opened) => opened.end(),
  );
  await pool.query(EFFECTS);
  await pool.query(`grant insert on chaos_effect to ${decodeURIComponent(new URL(postgres.url).username)}`);

  const start = async (kind: 'ingress' | 'worker' | 'board', number: number): Promise<Supervised> => {
    const port = await freePort();
    const env = envOf(kind === 'ingress' ? 'ingress' : 'worker');
    const setting = { ingress: 'PORT', worker: 'WORKER_PORT', board: 'BOARD_PORT' }[kind];
    return supervise({
      name: `${kind} ${number}`,
      script: `apps/${kind}/main.ts`,
      port,
      logDir,
      flags: HEAP,
      env: { ...env, [setting]: String(port), BOARD_PASSWORD: 'a password for nobody but the test' },
    });
  };
  const started = async (kind: 'ingress' | 'worker' | 'board', count: number): Promise<Supervised[]> => {
    const all = await Promise.all(Array.from({ length: count }, (_, index) => start(kind, index + 1)));
    for (const each of all) stack.use(each);
    return all;
  };
  const ingresses = await started('ingress', 2);
  const workers = await started('worker', 3);
  const processes = [...ingresses, ...workers, ...(await started('board', 1))];
  const live = async (): Promise<void> => {
    await Promise.all(processes.map((each) => each.live(60_000)));
  };
  await live();
  return {
    backend,
    ingresses,
    workers,
    processes,
    postgres,
    redis,
    sentinel,
    queueUrl: queueStore,
    disks,
    scanner,
    proxies,
    pool,
    dataDir,
    logDir,
    live,
    stepClocks(offsetMs) {
      writeFileSync(control, String(offsetMs));
      for (const each of processes) each.poke();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function migrate(env: Record<string, string>): Promise<void> {
  const lines: string[] = [];
  const migration = await spawnTethered(process.execPath, [join(repository, 'apps/migrate/main.ts')], {
    cwd: repository,
    env,
    endSignal: 'SIGTERM',
    graceMs: 5_000,
    onLine: (line) => lines.push(line),
  });
  if ((await migration.ended) !== 0) throw new Error(`the migration failed:\n${lines.join('\n')}`);
}
