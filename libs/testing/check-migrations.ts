import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { environment } from '#runtime/config.ts';
import { openTemplate } from '#testing/database-template.ts';

/** `migration:check` of MikroORM's CLI against a database that was just migrated: entities and migrations must agree. */
const scratch = mkdtempSync(join(tmpdir(), 'portcullis-check-'));
try {
  const database = await openTemplate(scratch);
  const cli = join(dirname(createRequire(import.meta.url).resolve('@mikro-orm/cli/package.json')), 'cli.js');
  const check = spawn(process.execPath, [cli, 'migration:check'], {
    stdio: 'inherit',
    env: { ...environment(), MIKRO_ORM_CLI_PREFER_TS: '1', MIGRATE_DATABASE_URL: database.ownerUrl },
  });
  const [code] = (await once(check, 'exit')) as [number | null];
  await database[Symbol.asyncDispose]();
  process.exitCode = code ?? 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
