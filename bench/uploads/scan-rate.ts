import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalClamd } from '../../libs/uploads/local-clamd.ts';

const LIMIT_MS = 120_000;

/** Files that `clamdscan --stream --multiscan` scans in a second, with the same clamd. */
export async function clamdscanRate(clamd: LocalClamd, directory: string, count: number): Promise<number> {
  const config = join(dirname(clamd.signaturesDir), 'clamd.conf');
  const args = ['--stream', '--multiscan', '--no-summary', '--infected', `--config-file=${config}`, directory];
  const startedAt = performance.now();
  await promisify(execFile)('clamdscan', args, { timeout: LIMIT_MS });
  return count / ((performance.now() - startedAt) / 1_000);
}
