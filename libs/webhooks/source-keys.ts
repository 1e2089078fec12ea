import { hash } from 'node:crypto';
import { weaknessOf } from '#runtime/config.ts';
import { decodeKey } from '#webhooks/key.ts';
import type { KeyEncoding, SourceKey, SourceToken } from '#webhooks/provider.ts';
import { parseSecretList } from '#webhooks/secret-list.ts';

const FINGERPRINT_DIGITS = 8;

/** What is wrong with the secrets of all sources, also between them. */
export interface SecretFaults {
  list: string[];
  /** The setting that each secret was first seen in, by the secret's SHA-256. */
  seen: Map<string, string>;
}

export function collectSecretFaults(): SecretFaults {
  return { list: [], seen: new Map() };
}

/** Equal secrets would let one sender speak for another. */
function noteSecret(setting: string, sha256: string, { list, seen }: SecretFaults): void {
  const other = seen.get(sha256);
  if (other === undefined) seen.set(sha256, setting);
  else if (other === setting) list.push(`${setting}: names one secret twice`);
  else list.push(`${setting}: has a secret that ${other} has too; each needs a value of its own`);
}

/** The keys that a setting lists; what is wrong with them is noted. */
export function readKeys(setting: string, value: string, encoding: KeyEncoding, faults: SecretFaults): SourceKey[] {
  const own: string[] = [];
  const keys: SourceKey[] = [];
  for (const { label, text } of parseSecretList(value, own)) {
    if (text === '') continue;
    const decoded = decodeKey(text, encoding);
    if (typeof decoded === 'string') {
      own.push(decoded);
      continue;
    }
    keys.push({ label: label ?? decoded.sha256.slice(0, FINGERPRINT_DIGITS), key: decoded.key });
    noteSecret(setting, decoded.sha256, faults);
  }
  const labels = new Set(keys.map(({ label }) => label));
  if (labels.size < keys.length && own.length === 0)
    own.push('uses a label twice, or one that is the fingerprint of another');
  faults.list.push(...own.map((fault) => `${setting}: ${fault}`));
  return keys;
}

/** The tokens that a setting lists; what is wrong with them is noted. */
export function readTokens(setting: string, value: string, faults: SecretFaults): SourceToken[] {
  const own: string[] = [];
  const tokens: SourceToken[] = [];
  for (const { label, text } of parseSecretList(value, own)) {
    if (text === '') continue;
    const weakness = weaknessOf(text);
    if (weakness !== undefined) own.push(weakness);
    const sha256 = hash('sha256', text);
    noteSecret(setting, sha256, faults);
    tokens.push({ label: label ?? sha256.slice(0, FINGERPRINT_DIGITS), sha256: Buffer.from(sha256, 'hex') });
  }
  faults.list.push(...own.map((fault) => `${setting}: ${fault}`));
  return tokens;
}
