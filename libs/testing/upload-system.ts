import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestDatabase } from '#testing/database.ts';
import { startUploadSystem, type UploadSystem, type UploadSystemOptions } from '#testing/upload-core.ts';

/** Intake, scanning and serving on a database and a directory of the test's own. */
export async function openUploadSystem(options: UploadSystemOptions = {}): Promise<UploadSystem> {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await openTestDatabase());
  const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-uploads-'));
  stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const system = stack.use(await startUploadSystem({ databaseUrl: database.url, dataDir }, options));
  return { ...system, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
