import type { EmbeddedPasswords } from '#database/embedded-roles.ts';
import { openEmbeddedDatabase, type EmbeddedDatabase } from '#database/embedded.ts';
import type { BoundedLog } from './bounded-log.ts';
import { keepRunning, type Started } from './keep-running.ts';

export interface EmbeddedStore {
  url: string;
  ownerUrl: string;
  /** Where its files are. */
  cluster: string;
  close(): Promise<void>;
}

/** The embedded PostgreSQL, started again on the same port if it ends unasked. */
export async function openEmbeddedStore({
  dataDir,
  passwords,
  log,
  say,
}: {
  dataDir: string;
  passwords: EmbeddedPasswords;
  log: BoundedLog;
  say: (line: string) => void;
}): Promise<EmbeddedStore> {
  const open = (port?: number): Promise<EmbeddedDatabase> =>
    openEmbeddedDatabase({
      home: dataDir,
      passwords,
      ...(port === undefined ? {} : { port }),
      onLine: (line) => log.write(line),
      say,
    });
  const startedOf = (database: EmbeddedDatabase): Started => ({
    ended: database.ended,
    async stop() {
      await database[Symbol.asyncDispose]();
    },
  });
  const first = await open();
  const close = keepRunning(startedOf(first), async () => startedOf(await open(first.port)), {
    name: 'PostgreSQL',
    say,
    maxDelayMs: 10_000,
  });
  return { url: first.url, ownerUrl: first.ownerUrl, cluster: first.cluster, close };
}
