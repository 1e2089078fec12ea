import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createUser } from '#access/users.ts';
import { record } from '#audit/record.ts';
import { sealAll } from '#audit/seal-events.ts';
import { verifyChain } from '#audit/verify-chain.ts';
import { newId } from '#runtime/id.ts';
import { openTestAccess } from '#testing/access.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { startTestS3, type TestS3 } from '#testing/s3.ts';
import { storeFile } from '#testing/store-file.ts';
import { openLocalStorage } from '#uploads/local-storage.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';

const never = new AbortController().signal;
const LEFT_OUT = new Set(['schema_migration', 'process_heartbeat']);

let original: TestDatabase;
let dataDir: string;
let backup: string;
beforeAll(async () => {
  original = await openTestDatabase();
  dataDir = temporary();
  await fill(original);
  backup = join(temporary(), 'backup');
  const made = await run('apps/cli/backup.ts', ['--to', backup], { DATABASE_URL: original.url, DATA_DIR: dataDir });
  expect(made).toMatchObject({ code: 0 });
});
afterAll(() => original[Symbol.asyncDispose]());

const made: string[] = [];
function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-restore-'));
  made.push(directory);
  return directory;
}
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** A row of every kind that is hard to carry: bytes, text that COPY escapes, null, JSON, other months, references. */
async function fill(database: TestDatabase): Promise<void> {
  const access = openTestAccess(database.pool);
  await createUser(
    access,
    { email: 'anna@example.com', name: 'Änna\t"\\N', role: 'user', password: undefined },
    { actorKind: 'system' },
  );
  const body = Buffer.concat([Buffer.from('\\.\n\r\t\\N'), randomBytes(300_000)]);
  await insertReceipts(database.pool, [receiptDraft('{}', { body }), receiptDraft('{"a":1}')], Date.now());
  const old = new Date(Date.now() - 100 * 86_400_000);
  await record(database.pool, [
    {
      id: newId(old.getTime()),
      type: 'login.failed',
      actorKind: 'anonymous',
      occurredAt: old,
      details: { text: 'ä\n\\' },
    },
    { type: 'login.failed', actorKind: 'anonymous' },
  ]);
  await sealAll(database.pool, never);
  await record(database.pool, [{ type: 'login.locked', actorKind: 'anonymous' }]);
  const storage = await openLocalStorage(dataDir);
  const name = await storeFile(storage, 'the bytes of an upload');
  await database.pool.query(
    `insert into upload (id, owner_id, ticket_id, status, original_name, extension, size_bytes, sha256, stored_name, next_check_at)
     values ($1, $2, 't', 'quarantined', 'a.txt', 'txt', 22, '\\x00', $3, now() + interval '1 hour')`,
    [newId(), newId(), name],
  );
  await storage[Symbol.asyncDispose]();
}

function run(script: string, args: readonly string[], env: Record<string, string>) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

async function emptySystem(settings: Record<string, string> = {}) {
  const database = await openTestDatabase({ empty: true });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const directory = temporary();
  const env = { DATABASE_URL: database.url, MIGRATE_DATABASE_URL: database.ownerUrl, DATA_DIR: directory, ...settings };
  return { env, database, directory, restore: (from = backup) => run('apps/standalone/restore.ts', [from], env) };
}

/** Every row of every table, but for what a restore changes on purpose. */
async function contentOf({ pool }: TestDatabase): Promise<Record<string, unknown[]>> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const content: Record<string, unknown[]> = {};
  for (const { name } of rows.filter((table) => !LEFT_OUT.has(table.name))) {
    const found = await pool.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) - 'next_check_at' as row from ${name} t`,
    );
    content[name] = found.rows
      .map(({ row: { era, ...row } }) =>
        name === 'audit_policy' ? row : { ...row, era: name === 'security_event' ? era : 0 },
      )
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  return content;
}

it('brings every row and every file into an empty system', { timeout: 60_000 }, async () => {
  const { database, directory, restore } = await emptySystem();
  const restored = await restore();
  expect(restored).toMatchObject({ code: 0, err: '' });
  const content = await contentOf(database);
  expect(content).toEqual(await contentOf(original));
  expect(content['webhook_log']).toHaveLength(2);
  expect(content['security_event']?.length).toBeGreaterThanOrEqual(3);
  const [name = ''] = readdirSync(join(directory, 'quarantine'));
  expect(readFileSync(join(directory, 'quarantine', name), 'utf8')).toBe('the bytes of an upload');
  expect(statSync(join(directory, 'quarantine', name)).mode & 0o777).toBe(0o600);
});

it('leaves a system that goes on: open rows are due, the trail is sealed on, the roles are those of the owner and the application', async () => {
  const { database, restore } = await emptySystem();
  await restore();
  const { rows } = await database.pool.query(
    `select (select count(*) from webhook_log where state = 'open' and next_check_at <= now()) as receipts`,
  );
  expect(rows).toEqual([{ receipts: 2 }]);
  await record(database.pool, [{ type: 'login.failed', actorKind: 'anonymous' }]);
  await sealAll(database.pool, never);
  const count = await database.pool.query<{ n: number }>('select count(*) as n from security_event');
  expect(await verifyChain(database.pool)).toMatchObject({ intact: true, events: count.rows[0]?.n });
  await expect(database.pool.query('delete from security_event')).rejects.toThrow('permission denied');
});

describe('files in S3', () => {
  let s3: TestS3;
  beforeAll(async () => {
    s3 = await startTestS3();
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  it('come back into the buckets, are backed up from there, and may be left there', { timeout: 60_000 }, async () => {
    const first = await emptySystem(s3.settings);
    expect(await first.restore()).toMatchObject({ code: 0, err: '' });
    const [name = ''] = readdirSync(join(dataDir, 'quarantine'));
    expect(await s3.keys('quarantine')).toEqual([name]);

    const whole = join(temporary(), 'whole');
    const rowsOnly = join(temporary(), 'rows');
    const made = await run('apps/cli/backup.ts', ['--to', whole], first.env);
    expect([made.code, readFileSync(join(whole, 'quarantine', name), 'utf8')]).toEqual([0, 'the bytes of an upload']);
    const lean = await run('apps/cli/backup.ts', ['--to', rowsOnly, '--without-files'], first.env);
    expect([lean.code, readdirSync(join(rowsOnly, 'quarantine'))]).toEqual([0, []]);

    const second = await emptySystem(s3.settings);
    expect(await second.restore(whole)).toMatchObject({
      code: 1,
      err: expect.stringContaining('there are files already'),
    });
    expect(await second.restore(rowsOnly)).toMatchObject({
      code: 0,
      out: expect.stringContaining('✓ 1 of 1 files are there'),
    });
    const third = await emptySystem();
    expect(await third.restore(rowsOnly)).toMatchObject({
      code: 0,
      out: expect.stringContaining(`✗ the file ${name}`),
    });
  });
});

describe('refuses', () => {
  const copyOf = (): string => {
    const directory = join(temporary(), 'copy');
    const { cpSync } = process.getBuiltinModule('node:fs');
    cpSync(backup, directory, { recursive: true });
    return directory;
  };
  it.each<[string, (copy: string) => void, RegExp]>([
    [
      'a table that was changed',
      (copy) => appendFileSync(join(copy, 'tables/webhook_log.copy.gz'), 'x'),
      /webhook_log\.copy\.gz is not/,
    ],
    ['a table that is missing', (copy) => rmSync(join(copy, 'tables/app_user.copy.gz')), /app_user\.copy\.gz/],
    [
      'a file that was changed',
      (copy) =>
        writeFileSync(join(copy, 'quarantine', readdirSync(join(copy, 'quarantine'))[0] ?? ''), 'the bytes of another'),
      /is not as it was backed up/,
    ],
    ['a backup that is not whole', (copy) => rmSync(join(copy, 'manifest.json')), /no whole backup/],
    [
      'a manifest that leads elsewhere',
      (copy) => {
        const path = join(copy, 'manifest.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('tables/app_user.copy.gz', '../../etc/passwd'));
      },
      /does not have the shape/,
    ],
    [
      'a backup of a later release',
      (copy) => {
        const path = join(copy, 'manifest.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('"m0001-audit"', '"m0099-later"'));
      },
      /later release/,
    ],
  ])('%s, before anything is written', async (_, spoil, message) => {
    const { database, directory, restore } = await emptySystem();
    const copy = copyOf();
    spoil(copy);
    const refused = await restore(copy);
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(message)]);
    const tables = await database.pool.query("select from pg_tables where schemaname = 'public'");
    expect([tables.rowCount, existsSync(join(directory, 'clean'))]).toEqual([0, false]);
  });

  it('a database that is not empty', async () => {
    const { restore } = await emptySystem();
    await restore();
    const again = await restore();
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('the database is not empty')]);
  });
});

describe('a backup', () => {
  it('is readable by its owner only, and holds no secret unless asked to', () => {
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    expect(readdirSync(backup).toSorted()).toEqual(['clean', 'manifest.json', 'quarantine', 'tables']);
    for (const name of readdirSync(join(backup, 'tables')))
      expect(statSync(join(backup, 'tables', name)).mode & 0o777).toBe(0o600);
  });

  it('is not made over another', async () => {
    const again = await run('apps/cli/backup.ts', ['--to', backup], { DATABASE_URL: original.url, DATA_DIR: dataDir });
    expect(again.code).toBe(2);
  });

  it('says which file of an upload was not there, and exits 1', async () => {
    const [name = ''] = readdirSync(join(dataDir, 'quarantine'));
    const path = join(dataDir, 'quarantine', name);
    renameSync(path, `${path}.away`);
    const to = join(temporary(), 'b');
    const made = await run('apps/cli/backup.ts', ['--to', to], { DATABASE_URL: original.url, DATA_DIR: dataDir });
    renameSync(`${path}.away`, path);
    expect([made.code, made.out]).toEqual([1, expect.stringContaining(`✗ the file ${name}`)]);
  });
});
