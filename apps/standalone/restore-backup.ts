import { basename, dirname, join } from 'node:path';
import { appendOnlyTables, readOnlyTables, resumeTrail } from '#audit/audit-policy.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { checkDigest } from '#database/backup/digest-file.ts';
import { isEmptyDatabase, loadTables } from '#database/backup/load-tables.ts';
import { readManifest, type Manifest } from '#database/backup/manifest.ts';
import { migrate } from '#database/migrate.ts';
import { migrations } from '#database/migrations/list.ts';
import { openPool, type Pool } from '#database/pool.ts';
import { openLog } from '#runtime/log.ts';
import { openStorage } from '#uploads/open-storage.ts';
import type { StorageConfig } from '#uploads/storage-settings.ts';
import { zones, type Storage } from '#uploads/storage.ts';
import { storedNames } from '#uploads/stored-names.ts';
import { makeUploadsDue } from '#uploads/waiting-uploads.ts';
import { makeAllDue } from '#webhooks/relay.ts';
import ormConfig from '../../mikro-orm.config.ts';

export interface RestoreOptions {
  /** Of the backup. */
  directory: string;
  /** Where files go. */
  config: StorageConfig;
  databaseUrl: string;
  ownerUrl: string;
  say: (line: string) => void;
}

/**
 * Brings a backup into an empty database and an empty storage. Everything is checked before anything is written.
 * @throws Error that says what is not as it should be.
 */
export async function restoreBackup({ directory, config, databaseUrl, ownerUrl, say }: RestoreOptions): Promise<void> {
  const manifest = await checkedManifest(directory);
  say('✓ The backup is whole');
  if (!(await isEmptyDatabase(ownerUrl))) throw new Error('the database is not empty: a backup goes into an empty one');
  const stack = new AsyncDisposableStack();
  try {
    const { storage } = await openStorage({ config, log: openLog({ name: 'restore', level: 'silent' }), stack });
    if (manifest.withoutFiles !== true) await requireNoFiles(storage);
    await fill({ directory, manifest, storage, databaseUrl, ownerUrl, say });
  } finally {
    await stack.disposeAsync();
  }
}

interface FillParts extends Omit<RestoreOptions, 'config'> {
  manifest: Manifest;
  storage: Storage;
}

async function fill({ directory, manifest, storage, databaseUrl, ownerUrl, say }: FillParts): Promise<void> {
  const appRole = decodeURIComponent(new URL(databaseUrl).username) || undefined;
  const rights = { config: ormConfig, ownerUrl, appRole, appendOnly: appendOnlyTables, readOnly: readOnlyTables };
  const upTo = manifest.migrations.at(-1);
  await migrate({ ...rights, ...(upTo === undefined ? {} : { upTo }) });
  await loadTables({ ownerUrl, directory, tables: manifest.tables });
  await migrate({ ...rights, afterwards: resumeTrail });
  say(`✓ ${manifest.tables.reduce((sum, { rows }) => sum + rows, 0)} rows are in the database`);
  await restoreFiles(manifest.files, directory, storage);
  if (manifest.withoutFiles !== true) say(`✓ ${manifest.files.length} files are stored`);

  const pool = openPool(databaseUrl, { name: 'restore', max: 3, statementMs: 60_000, onError: () => undefined });
  try {
    await Promise.all([makeAllDue(pool), makeUploadsDue(pool)]);
    if (manifest.withoutFiles === true) await requireFiles(pool, storage, say);
    await requireIntactTrail(pool, manifest.seal);
  } finally {
    await pool.end();
  }
  say('✓ The audit trail is as it was sealed; what was open will be worked on again');
}

async function checkedManifest(directory: string): Promise<Manifest> {
  const manifest = await readManifest(directory);
  const ours: readonly string[] = migrations.map(({ name }) => name);
  if (manifest.migrations.some((name, index) => name !== ours[index])) {
    throw new Error('the backup was made by a later release, or by another system: restore it with that one');
  }
  for (const { file } of manifest.tables) await checkDigest(directory, file);
  for (const file of manifest.files) await checkDigest(directory, file);
  return manifest;
}

async function requireNoFiles(storage: Storage): Promise<void> {
  for (const zone of zones) {
    for await (const { name } of storage.list(zone)) {
      throw new Error(`there are files already, such as ${name}: a backup goes into an empty storage`);
    }
  }
}

async function restoreFiles(files: Manifest['files'], directory: string, storage: Storage): Promise<void> {
  for (const { path, bytes, sha256 } of files) {
    const zone = zones.find((each) => each === dirname(path));
    if (zone === undefined) throw new Error(`${path} is no file of an upload`);
    const file = { name: basename(path), path: join(directory, path), sizeBytes: bytes };
    await storage.restore(zone, { ...file, sha256: Buffer.from(sha256, 'hex') });
  }
}

/** The backup has no files: those that its rows name must be where they were. */
async function requireFiles(pool: Pool, storage: Storage, say: (line: string) => void): Promise<void> {
  const there = new Set<string>();
  for (const zone of zones) for await (const { name } of storage.list(zone)) there.add(name);
  const wanted = await storedNames(pool);
  const missing = wanted.filter(({ name }) => !there.has(name));
  for (const { name } of missing) say(`✗ the file ${name} of an upload is not there`);
  say(`${missing.length === 0 ? '✓' : '!'} ${wanted.length - missing.length} of ${wanted.length} files are there`);
}

async function requireIntactTrail(pool: Pool, seal: Manifest['seal']): Promise<void> {
  const { fault } = await verifyChain(pool, { anchor: seal ?? undefined });
  if (fault !== undefined) throw new Error(`the audit trail is broken: ${JSON.stringify(fault)}`);
}
