import { copyFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openBoundedLog } from './bounded-log.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import { generatedSettings } from './generated-settings.ts';
import { holdDataDirectory } from './hold-data-directory.ts';
import { restoreBackup } from './restore-backup.ts';
import { readStandaloneConfig } from './settings.ts';

const USAGE = `npm run restore -- <backup>

  brings what npm run backup has written into an empty database (DATABASE_URL and MIGRATE_DATABASE_URL, or the one
  that npm start runs from an empty DATA_DIR) and its files into DATA_DIR or the buckets; then npm start, or the programs, go on`;

const SECRET_FILES = ['secrets.json', 'admin.json'];
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const stack = new AsyncDisposableStack();

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' } } });
  const [backup, ...more] = positionals;
  if (values.help === true) say(USAGE);
  else if (backup === undefined || more.length > 0) throw new Error(`which backup?\n\n${USAGE}`);
  else await restore(resolve(backup));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
await stack.disposeAsync();

async function restore(directory: string): Promise<void> {
  const config = readStandaloneConfig();
  const dataDir = config.DATA_DIR;
  holdDataDirectory(dataDir, stack);
  if (config.DATABASE_URL !== undefined) {
    const ownerUrl = config.MIGRATE_DATABASE_URL ?? config.DATABASE_URL;
    await restoreBackup({ directory, config, databaseUrl: config.DATABASE_URL, ownerUrl, say });
    return;
  }
  // Secrets of the backup, where it has some and here are none yet.
  for (const name of SECRET_FILES) {
    const [kept, here] = [join(directory, name), join(dataDir, name)];
    if (existsSync(kept) && !existsSync(here)) copyFileSync(kept, here);
  }
  const { database: passwords } = generatedSettings(dataDir);
  const log = stack.adopt(openBoundedLog(join(dataDir, 'logs', 'postgres.log')), (opened) => opened.close());
  const store = await openEmbeddedStore({ dataDir, passwords, log, say });
  stack.defer(() => store.close());
  await restoreBackup({ directory, config, databaseUrl: store.url, ownerUrl: store.ownerUrl, say });
  say('Type npm start to go on with it.');
}
