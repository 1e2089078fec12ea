import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { copyFile, writeFile, chmod } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { trailHead } from '#audit/trail-state.ts';
import { writeDigested } from '#database/backup/digest-file.ts';
import { dumpTables } from '#database/backup/dump-tables.ts';
import { MANIFEST, type Manifest } from '#database/backup/manifest.ts';
import { databaseSettings } from '#database/pool.ts';
import { environment, readConfig } from '#runtime/config.ts';
import { openLog } from '#runtime/log.ts';
import { openStorage } from '#uploads/open-storage.ts';
import { storageSettings, type StorageConfig } from '#uploads/storage-settings.ts';
import type { Storage, Zone } from '#uploads/storage.ts';
import { storedNames } from '#uploads/stored-names.ts';
import { findRunningSystem } from './running-system.ts';
import { runTool, say } from './run-tool.ts';
import { UsageError } from './usage-error.ts';

const USAGE = `npm run backup
npm run backup -- --to <directory> [--with-secrets] [--without-files]

  writes every table as it is at one moment, and the uploaded files, into a new directory
  (by default $DATA_DIR/backups/<time>), with a manifest of SHA-256s; npm run restore reads it

  --without-files  leaves the files where they are: for buckets that are versioned or copied elsewhere by themselves
  --with-secrets   also what npm start has generated: then the backup alone brings the system back, and whoever
                   has it has everything`;

const SECRET_FILES = ['secrets.json', 'admin.json'];

await runTool(USAGE, async () => {
  const { values } = parseArgs({
    options: {
      to: { type: 'string' },
      'with-secrets': { type: 'boolean', default: false },
      'without-files': { type: 'boolean', default: false },
    },
  });
  const { env } = findRunningSystem(environment());
  const config = readConfig({ ...databaseSettings, ...storageSettings }, env);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const target = resolve(values.to ?? join(config.DATA_DIR, 'backups', time));
  if (existsSync(target)) throw new UsageError(`${target} is there already`);

  // Under another name until it is whole, so that no half a backup is taken for one.
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  for (const part of ['', 'tables', 'clean', 'quarantine'])
    mkdirSync(join(partial, part), { recursive: true, mode: 0o700 });
  const manifest = await writeBackup(partial, config, { withFiles: !values['without-files'] });
  if (values['with-secrets']) await copySecrets(config.DATA_DIR, partial);
  await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest.content, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, target);

  const rows = manifest.content.tables.reduce((sum, table) => sum + table.rows, 0);
  say(
    `✓ ${rows} rows of ${manifest.content.tables.length} tables and ${manifest.content.files.length} files are in ${target}`,
  );
  if (manifest.content.seal !== null) {
    say(`  newest seal of the audit trail: ${manifest.content.seal.number}:${manifest.content.seal.hash}`);
  }
  if (!values['with-secrets']) say('  Secrets are not in it: keep them elsewhere, or say --with-secrets.');
  if (values['without-files']) say('  The files are not in it: a restore wants them where they are now.');
  for (const name of manifest.missing) say(`✗ the file ${name} of an upload was not there`);
  return manifest.missing.length === 0;
});

async function writeBackup(
  directory: string,
  config: StorageConfig & { DATABASE_URL: string },
  { withFiles }: { withFiles: boolean },
) {
  const stack = new AsyncDisposableStack();
  try {
    const { storage } = await openStorage({ config, log: openLog({ name: 'backup', level: 'silent' }), stack });
    const files: Manifest['files'] = [];
    const missing: string[] = [];
    let seal: Manifest['seal'] = null;
    const tables = await dumpTables({
      databaseUrl: config.DATABASE_URL,
      directory,
      async inSnapshot(client) {
        seal = (await trailHead(client)) ?? null;
        for (const { name, zone } of withFiles ? await storedNames(client) : []) {
          const file = await copyOut(storage, zone, name, directory);
          if (file === undefined) missing.push(name);
          else files.push(file);
        }
      },
    });
    const content: Manifest = { format: 1, madeAt: new Date().toISOString(), ...tables, files, seal };
    return { content: withFiles ? content : { ...content, withoutFiles: true as const }, missing };
  } finally {
    await stack.disposeAsync();
  }
}

/** @returns undefined if the file is nowhere. */
async function copyOut(storage: Storage, zone: Zone, name: string, directory: string) {
  // A verdict may have moved it meanwhile.
  const file = (await storage.open(zone, name)) ?? (await storage.open(otherThan(zone), name));
  if (file === undefined) return undefined;
  try {
    return await writeDigested(directory, `${zone}/${name}`, Readable.from(await file.read()));
  } finally {
    await file.close();
  }
}

function otherThan(zone: Zone): Zone {
  return zone === 'clean' ? 'quarantine' : 'clean';
}

async function copySecrets(dataDir: string, directory: string): Promise<void> {
  for (const name of SECRET_FILES) {
    const source = join(dataDir, name);
    if (!existsSync(source))
      throw new UsageError(`there is no ${source}: these secrets were not generated by npm start`);
    await copyFile(source, join(directory, name));
    await chmod(join(directory, name), 0o600);
  }
}
