import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { askClamd, type ClamdAddress } from '#uploads/clamd-connection.ts';
import { signatureStateOf, type SignatureState } from '#uploads/signature-state.ts';

const ANSWER_LIMIT_MS = 5_000;
/** Of a clamd of ours the database lies beside its socket. */
export const SIGNATURES_DIRECTORY = 'signatures';

/**
 * Asks clamd which signatures it has. Test signatures have no version of their own, so those of a local clamd are told
 * apart by their files.
 * @throws Failure `scanner-unavailable`.
 */
export async function identifySignatures(address: ClamdAddress): Promise<SignatureState> {
  const answer = await askClamd(address, 'VERSION', ANSWER_LIMIT_MS);
  const state = signatureStateOf(answer);
  if (state.kind === 'official' || !('path' in address)) return state;
  return signatureStateOf(answer, await fingerprintOf(join(dirname(address.path), SIGNATURES_DIRECTORY)));
}

async function fingerprintOf(directory: string): Promise<string> {
  const names = await readdir(directory).catch(() => []);
  const hash = createHash('sha256');
  for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
    const { size, mtimeMs } = await stat(join(directory, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
