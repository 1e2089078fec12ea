import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findScanner } from '#uploads/clamd-home.ts';
import { openLocalClamd, type LocalClamd, type LocalClamdOptions } from '#uploads/local-clamd.ts';

/** Whether this machine has a clamd; tests that need it are skipped where it has none. */
export const hasClamd = findScanner('clamd') !== undefined;

/** A clamd of the test's own, ready, with the shipped test signatures. */
export async function openTestClamd(options: Partial<LocalClamdOptions> = {}): Promise<LocalClamd> {
  const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-clamd-'));
  // Open to the account that clamd runs as, so that all it leaves is in there.
  chmodSync(dataDir, 0o755);
  const clamd = await openLocalClamd({ dataDir, threads: 4, restart: false, ...options });
  if (clamd === undefined) throw new Error('there is no clamd on this machine: guard the test with hasClamd');
  try {
    await clamd.ready(30_000);
  } catch (error) {
    await clamd[Symbol.asyncDispose]();
    throw error;
  }
  return Object.assign(Object.create(clamd) as LocalClamd, {
    async [Symbol.asyncDispose]() {
      await clamd[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  });
}
