import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { repository } from '#testing/repository.ts';

/** Says how many modules of the SDK a process loads that opens this storage. */
const SCRIPT = `
  import { registerHooks } from 'node:module';
  let loaded = 0;
  registerHooks({
    load(url, context, next) {
      if (url.includes('/node_modules/@aws-sdk/')) loaded += 1;
      return next(url, context);
    },
  });
  const { openStorage } = await import('#uploads/open-storage.ts');
  const { readConfig } = await import('#runtime/config.ts');
  const { storageSettings } = await import('#uploads/storage-settings.ts');
  const stack = new AsyncDisposableStack();
  const { checks } = await openStorage({ config: readConfig(storageSettings), log: undefined, stack });
  await stack.disposeAsync();
  console.log(JSON.stringify({ isLoaded: loaded > 0, checks: checks.map(({ name }) => name) }));
`;

describe('opening the storage', () => {
  it.each([
    ['local', { isLoaded: false, checks: [] }],
    ['s3', { isLoaded: true, checks: ['storage'] }],
  ])('that is %s loads the SDK only for S3, and asks nothing of it yet', { timeout: 60_000 }, (kind, expected) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-open-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const env = {
      DATA_DIR: dataDir,
      UPLOAD_STORAGE: kind,
      S3_QUARANTINE_BUCKET: 'one',
      S3_CLEAN_BUCKET: 'two',
      // Nobody listens there.
      S3_ENDPOINT: 'http://127.0.0.1:1',
    };
    const out = execFileSync(process.execPath, ['--input-type=module', '--eval', SCRIPT], { cwd: repository, env });
    expect(JSON.parse(out.toString())).toEqual(expected);
  });
});
