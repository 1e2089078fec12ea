import { readConfig, type Environment } from '#runtime/config.ts';
import { clamdSettings } from '#uploads/clamd-connection.ts';
import { identifySignatures } from '#uploads/identify-signatures.ts';
import { well, worthALook, wrong, type Finding } from './finding.ts';

const OLD_DAYS = 3;
/** Then nothing is scanned any more. */
const TOO_OLD_DAYS = 7;
const DAY_MS = 86_400_000;

/** Asks clamd which signatures it has. */
export async function examineScanner(env: Environment): Promise<Finding[]> {
  const { CLAMD_URL: address } = readConfig({ CLAMD_URL: clamdSettings.CLAMD_URL }, env);
  if (address === undefined)
    return [worthALook('no scanner is set: uploads wait in quarantine', 'install clamd, or set CLAMD_URL')];
  try {
    const { kind, madeAt } = await identifySignatures(address);
    if (kind === 'test-only') return [wrong('clamd has test signatures only', 'let freshclam fetch the official ones')];
    const days = madeAt === undefined ? 0 : Math.floor((Date.now() - madeAt.getTime()) / DAY_MS);
    if (days >= TOO_OLD_DAYS)
      return [wrong(`the virus signatures are ${days} days old: nothing is scanned`, 'find out why freshclam fails')];
    if (days >= OLD_DAYS)
      return [worthALook(`the virus signatures are ${days} days old`, 'find out why freshclam fails')];
    return [well(`clamd answers, its signatures are ${days} days old`)];
  } catch {
    return [wrong('clamd does not answer', 'start it, or correct CLAMD_URL')];
  }
}
