import type { KeyObject } from 'node:crypto';
import type { KeyEncoding } from '#webhooks/provider.ts';
import { parseSecretList } from '#webhooks/secret-list.ts';
import { decodeSigningKey } from '#webhooks/signing-key.ts';
import { UsageError } from './usage-error.ts';

/** The keys in `[label:]secret[,…]`, to sign with. */
export function signingKeysOf(list: string, encoding: KeyEncoding): KeyObject[] {
  const faults: string[] = [];
  const secrets = parseSecretList(list, faults);
  const keys = secrets.map(({ text }) => decodeSigningKey(text, encoding));
  faults.push(...keys.filter((key) => typeof key === 'string'));
  if (faults.length > 0) throw new UsageError(faults.map((fault) => `--secret: ${fault}`).join('\n'));
  return keys.filter((key) => typeof key !== 'string');
}
