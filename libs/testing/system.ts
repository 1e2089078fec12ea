import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '#runtime/free-port.ts';
import { openLocalClamd } from '#uploads/local-clamd.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { runProcessToEnd, startProcess, type TestProcess } from '#testing/process.ts';
import { testSecrets } from '#testing/secrets.ts';
import { WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';

/** Ingress, worker and clamd on a database of their own, as people meet them. */
export interface TestSystem extends AsyncDisposable {
  /** What people type, which is PUBLIC_URL too. */
  origin: string;
  database: TestDatabase;
  ingress: TestProcess;
  /** Where it was not started with the rest. */
  startWorker(): Promise<void>;
  /** Whether this machine has a clamd, without which no upload is decided. */
  hasScanner: boolean;
}

export async function startSystem(env: Record<string, string> = {}, { hasWorker = true } = {}): Promise<TestSystem> {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await openTestDatabase());
  const dataDir = mkdtempSync(join(inject('services').scratch, 'system-'));
  const clamd = await openLocalClamd({ dataDir, threads: 1 });
  if (clamd !== undefined) stack.use(clamd);
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const settings = {
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    PUBLIC_URL: origin,
    WHATSAPP_APP_SECRET: WHATSAPP_TEST_SECRET,
    ...testSecrets,
    ...(clamd === undefined ? {} : { CLAMD_URL: clamd.url, SCAN_TEST_SIGNATURES: 'allow' }),
    ...env,
  };
  const migrated = await runProcessToEnd('apps/migrate/main.ts', {
    env: { ...settings, MIGRATE_DATABASE_URL: database.ownerUrl },
  });
  if (migrated.code !== 0) throw new Error(migrated.logged);
  const ingress = stack.use(
    await startProcess('apps/ingress/main.ts', { env: { ...settings, HOST: '127.0.0.1', PORT: String(port) } }),
  );
  const startWorker = async (): Promise<void> => {
    stack.use(await startProcess('apps/worker/main.ts', { env: { ...settings, WORKER_PORT: '0' } }));
  };
  if (hasWorker) await startWorker();
  return {
    origin,
    database,
    ingress,
    startWorker,
    hasScanner: clamd !== undefined,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
