import { chmod, copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { appendOnlyTables, readOnlyTables, resumeTrail } from '#audit/audit-policy.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { checkDigest } from '#database/backup/digest-file.ts';
import { isEmptyDatabase, loadTables } from '#database/backup/load-tables.ts';
import { readManifest, type Manifest } from '#database/backup/manifest.ts';
import { migrate } from '#database/migrate.ts';
import { migrations } from '#database/migrations/list.ts';
import { openPool, type Pool } from '#database/pool.ts';
import { makeUploadsDue } from '#uploads/waiting-uploads.ts';
import { makeAllDue } from '#webhooks/relay.ts';
import config from '../../mikro-orm.config.ts';

export interface RestoreOptions {
  /** Of the backup. */
  directory: string;
  dataDir: string;
  databaseUrl: string;
  ownerUrl: string;
  say: (line: string) => void;
}

/**
 * Brings a backup into an empty database and an empty data directory. Everything is checked before anything is written.
 * @throws Error that says what is not as it should be.
 */
export async function restoreBackup({ directory, dataDir, databaseUrl, ownerUrl, say }: RestoreOptions): Promise<void> {
  const manifest = await checkedManifest(directory);
  say('✓ The backup is whole');
  if (!(await isEmptyDatabase(ownerUrl))) throw new Error('the database is not empty: a backup goes into an empty one');
  await requireNoFiles(dataDir);

  const appRole = decodeURIComponent(new URL(databaseUrl).username) || undefined;
  const rights = { config, ownerUrl, appRole, appendOnly: appendOnlyTables, readOnly: readOnlyTables };
  const upTo = manifest.migrations.at(-1);
  await migrate({ ...rights, ...(upTo === undefined ? {} : { upTo }) });
  await loadTables({ ownerUrl, directory, tables: manifest.tables });
  await migrate({ ...rights, afterwards: resumeTrail });
  say(`✓ ${manifest.tables.reduce((sum, { rows }) => sum + rows, 0)} rows are in the database`);
  await restoreFiles(manifest.files, directory, dataDir);
  say(`✓ ${manifest.files.length} files are in ${dataDir}`);

  const pool = openPool(databaseUrl, { name: 'restore', max: 3, statementMs: 60_000, onError: () => undefined });
  try {
    await Promise.all([makeAllDue(pool), makeUploadsDue(pool)]);
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

async function requireNoFiles(dataDir: string): Promise<void> {
  for (const zone of ['clean', 'quarantine']) {
    const names = await readdir(join(dataDir, zone)).catch(() => []);
    if (names.length > 0) throw new Error(`${join(dataDir, zone)} is not empty: a backup goes into an empty one`);
  }
}

async function restoreFiles(files: Manifest['files'], directory: string, dataDir: string): Promise<void> {
  for (const zone of ['clean', 'quarantine']) await mkdir(join(dataDir, zone), { recursive: true, mode: 0o700 });
  for (const { path } of files) {
    await copyFile(join(directory, path), join(dataDir, path));
    await chmod(join(dataDir, path), 0o600);
  }
}

async function requireIntactTrail(pool: Pool, seal: Manifest['seal']): Promise<void> {
  const { fault } = await verifyChain(pool, { anchor: seal ?? undefined });
  if (fault !== undefined) throw new Error(`the audit trail is broken: ${JSON.stringify(fault)}`);
}
