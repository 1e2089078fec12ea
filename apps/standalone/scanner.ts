import { readdirSync } from 'node:fs';
import { valueOf, type Environment } from '#runtime/config.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { openLocalClamd } from '#uploads/local-clamd.ts';
import type { BoundedLog } from './bounded-log.ts';

export interface Scanner {
  /** For the other processes: CLAMD_URL, and whether test signatures count. */
  settings: Record<string, string>;
  close(): Promise<void>;
}

/** What does not end in this time is ended by its tether once we are gone. */
const CLOSE_LIMIT_MS = 1_000;

/**
 * A clamd of ours, where this machine has the program. Nothing waits for it: signatures are fetched and read in the
 * background, and uploads stay in quarantine until it answers.
 */
export async function openScanner({
  dataDir,
  env,
  log,
  say,
}: {
  dataDir: string;
  env: Environment;
  log: BoundedLog;
  say: (line: string) => void;
}): Promise<Scanner | undefined> {
  const clamd = await openLocalClamd({ dataDir, update: true, onLine: (line) => log.write(line) });
  if (clamd === undefined) return undefined;
  const isOfficial = readdirSync(clamd.signaturesDir).some((name) => /^daily\.c[vl]d$/.test(name));
  const given = valueOf('SCAN_TEST_SIGNATURES', env);
  const settings: Record<string, string> = { CLAMD_URL: clamd.url };
  if (isOfficial) {
    say('✓ clamd is starting: files are scanned once it has read its signatures');
  } else if (given === undefined) {
    settings['SCAN_TEST_SIGNATURES'] = 'allow';
    say(
      '! clamd has TEST SIGNATURES ONLY: files count as clean that no real scanner has seen (marked test-only for ever).',
    );
    say('  freshclam fetches official ones in the background; SCAN_TEST_SIGNATURES=deny lets files wait for them.');
  } else {
    say(
      `! clamd has test signatures only (SCAN_TEST_SIGNATURES=${given}); freshclam fetches official ones in the background`,
    );
  }
  return {
    settings,
    async close() {
      await settledWithin(CLOSE_LIMIT_MS, Promise.resolve(clamd[Symbol.asyncDispose]()));
    },
  };
}
