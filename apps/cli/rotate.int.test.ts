import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeyring } from '#access/keyring.ts';
import { openSigningKeys } from '#access/signing-keys.ts';
import { record } from '#audit/record.ts';
import { openTestDatabase, type TestDatabase } from '#testing/database.ts';
import { receiptDraft } from '#testing/receipt-draft.ts';
import { insertReceipts } from '#webhooks/insert-receipts.ts';
import { readSources } from '#webhooks/sources.ts';

const OLD = '7yMv3ShdkR0qZpXg9TnWbLcKfJa2Eu5i8Vo4-_Hx1Dt6';
const SHOP = 'c0ffee-and-0ther-beans-of-the-shop';

let database: TestDatabase;
let directory: string;
let envFile: string;
beforeEach(async () => {
  database = await openTestDatabase();
  directory = mkdtempSync(join(tmpdir(), 'portcullis-rotate-'));
  envFile = join(directory, '.env');
  writeFileSync(
    envFile,
    `# kept\nSESSION_SECRET=${OLD}\nCSRF_SECRET="quoted-${OLD}"\nWEBHOOK_SECRET_SHOP=main:${SHOP}\n\nOTHER=1\n`,
    {
      mode: 0o600,
    },
  );
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await database[Symbol.asyncDispose]();
});

function rotate(args: readonly string[], { env = {}, input = '' } = {}) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      ['apps/cli/rotate.ts', ...args],
      { env: { DATABASE_URL: database.url, DATA_DIR: directory, WEBHOOK_SOURCES: 'shop:woocommerce', ...env } },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}
const inFile = (setting: string): string =>
  new RegExp(`^${setting}='?"?(.*?)"?'?$`, 'm').exec(readFileSync(envFile, 'utf8'))?.[1] ?? '';
const rotations = async () =>
  (
    await database.pool.query<{ text: string }>(
      "select target_id || ' ' || (details->>'step') as text from security_event where type = 'secret.rotated' order by id",
    )
  ).rows.map(({ text }) => text);

describe('the secret of sessions', () => {
  it('is added, used and dropped in an env file, of which every other line stays, and each step is recorded', async () => {
    expect(await rotate(['session-secret', '--env-file', envFile])).toMatchObject({ code: 0 });
    const [first, fresh = ''] = inFile('SESSION_SECRET').split(',');
    expect([first, fresh.length]).toEqual([OLD, 64]);
    expect((await rotate(['session-secret', '--use', '--env-file', envFile])).code).toBe(0);
    expect(inFile('SESSION_SECRET')).toBe(`${fresh},${OLD}`);
    const early = await rotate(['session-secret', '--drop', '--env-file', envFile]);
    expect([early.code, early.err]).toEqual([2, expect.stringContaining('the last of them ends by itself on')]);
    expect((await rotate(['session-secret', '--drop', '--force', '--env-file', envFile])).code).toBe(0);
    expect(inFile('SESSION_SECRET')).toBe(fresh);
    expect(readFileSync(envFile, 'utf8')).toMatch(
      /^# kept\nSESSION_SECRET='.*'\nCSRF_SECRET=".*"\nWEBHOOK_SECRET_SHOP=.*\n\nOTHER=1\n$/,
    );
    expect(statSync(envFile).mode & 0o777).toBe(0o600);
    expect(await rotations()).toEqual(['SESSION_SECRET add', 'SESSION_SECRET use', 'SESSION_SECRET drop']);
  });

  it('is dropped only after the keys for access tokens were sealed with the new one', async () => {
    const keysOf = (...secrets: [string, ...string[]]) =>
      openSigningKeys({ pool: database.pool, record, keys: openKeyring(secrets) });
    const { kid } = await keysOf(OLD).current();
    await rotate(['session-secret', '--env-file', envFile]);
    await rotate(['session-secret', '--use', '--env-file', envFile]);
    const dropped = await rotate(['session-secret', '--drop', '--force', '--env-file', envFile]);
    expect(dropped.out).toContain('✓ 1 signing key was sealed with the new secret');
    expect((await keysOf(inFile('SESSION_SECRET')).current()).kid).toBe(kid);
  });

  it('is changed in what npm start has generated, and everything else there stays', async () => {
    const path = join(directory, 'secrets.json');
    writeFileSync(
      path,
      JSON.stringify({ settings: { SESSION_SECRET: OLD, BOARD_PASSWORD: 'b' }, database: { owner: 'o' } }),
    );
    expect((await rotate(['session-secret'])).code).toBe(0);
    const content = JSON.parse(readFileSync(path, 'utf8'));
    expect(content).toEqual({
      settings: { SESSION_SECRET: expect.stringMatching(new RegExp(`^${OLD},[\\w-]{64}$`)), BOARD_PASSWORD: 'b' },
      database: { owner: 'o' },
    });
  });

  it('is shown where nobody but a person can change it', async () => {
    const { code, out } = await rotate(['session-secret'], { env: { SESSION_SECRET: OLD } });
    expect([code, out]).toEqual([0, expect.stringContaining(`SESSION_SECRET='${OLD},`)]);
  });
});

it('rotates the secret of CSRF tokens, and takes the quotes of an env file for what they are', async () => {
  await rotate(['csrf-secret', '--env-file', envFile]);
  await rotate(['csrf-secret', '--use', '--env-file', envFile]);
  expect((await rotate(['csrf-secret', '--drop', '--env-file', envFile])).code).toBe(0);
  expect(inFile('CSRF_SECRET')).toMatch(/^[\w-]{64}$/);
});

describe('the secret of a webhook source', () => {
  const labels = (): string[] => {
    const env = { WEBHOOK_SOURCES: 'shop:woocommerce', WEBHOOK_SECRET_SHOP: inFile('WEBHOOK_SECRET_SHOP') };
    return [...(readSources(env).get('/api/webhooks/shop')?.keys ?? [])].map(({ label }) => label);
  };

  it('is added in front of the others, and they are dropped when no request is signed with them any more', async () => {
    const added = await rotate(['webhook', 'shop', '--env-file', envFile]);
    expect(added.out).toMatch(/give the sender its new secret: [\w-]{43}\n/);
    expect(labels()).toEqual([expect.stringMatching(/^r\d{8}$/), 'main']);
    await insertReceipts(database.pool, [receiptDraft('{}', { source: 'shop', secretLabel: 'main' })], Date.now());
    const early = await rotate(['webhook', 'shop', '--drop', '--env-file', envFile]);
    expect([early.code, early.err]).toEqual([2, expect.stringContaining('were signed with main')]);
    await database.pool.query("update webhook_log set received_at = now() - interval '25 hours'");
    expect((await rotate(['webhook', 'shop', '--drop', '--env-file', envFile])).code).toBe(0);
    expect(labels()).toHaveLength(1);
    expect(await rotations()).toEqual(['WEBHOOK_SECRET_SHOP add', 'WEBHOOK_SECRET_SHOP drop']);
  });

  it('may be one that the sender has made, and is then not shown', async () => {
    const input = 'made:by,the sender itself 42\n';
    const { code, out } = await rotate(['webhook', 'shop', '--secret-stdin', '--env-file', envFile], { input });
    expect(code).toBe(0);
    expect(out).not.toContain('sender itself');
    expect(inFile('WEBHOOK_SECRET_SHOP')).toContain('made%3Aby%2Cthe sender itself 42');
    expect(labels()).toHaveLength(2);
  });

  it.each([
    [['webhook', 'nobody'], 'the source is one of whatsapp, wooalerts, shop'],
    [['webhook', 'shop', '--drop'], 'no old secret'],
  ])('%j is refused', async (args, message) => {
    const refused = await rotate([...args, '--env-file', envFile]);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining(message)]);
  });

  it('is refused if it is weak, and the file stays as it was', async () => {
    const before = readFileSync(envFile, 'utf8');
    const refused = await rotate(['webhook', 'shop', '--secret-stdin', '--env-file', envFile], { input: 'short' });
    expect([refused.code, readFileSync(envFile, 'utf8')]).toEqual([2, before]);
  });
});

it('publishes a new signing key, and retires all of them in an emergency', async () => {
  const count = async () =>
    (await database.pool.query<{ n: number }>('select count(*) as n from signing_key where retired_at is null')).rows[0]
      ?.n;
  expect((await rotate(['signing-key', '--env-file', envFile])).code).toBe(0);
  expect((await rotate(['signing-key', '--env-file', envFile])).code).toBe(0);
  expect(await count()).toBe(2);
  expect((await rotate(['signing-key', '--retire', '--env-file', envFile])).out).toContain('2 keys verify no longer');
  expect(await count()).toBe(1);
});

it.each([[[]], [['everything']], [['session-secret', '--use', '--drop']], [['session-secret', 'now']]])(
  'refuses %j',
  async (args) => {
    expect((await rotate(args)).code).toBe(2);
  },
);
