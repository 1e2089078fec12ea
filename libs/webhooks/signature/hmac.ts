import { createHmac, timingSafeEqual, type BinaryToTextEncoding, type KeyObject } from 'node:crypto';
import type { SourceKey } from '#webhooks/provider.ts';

export type HmacAlgorithm = 'sha256' | 'sha1';

/**
 * The key that made one of the signatures over the parts, one after the other (RFC 2104). Every key is tried against every
 * signature, so that the time taken doesn't tell which one matched.
 */
export function matchHmac(
  algorithm: HmacAlgorithm,
  keys: readonly SourceKey[],
  signatures: readonly Buffer[],
  parts: readonly (string | Buffer)[],
): SourceKey | undefined {
  let match: SourceKey | undefined;
  for (const candidate of keys) {
    if (candidate.key.type !== 'secret') continue;
    const mac = createHmac(algorithm, candidate.key);
    for (const part of parts) mac.update(part);
    // By way of a string, as in signed.ts.
    const expected = Buffer.from(mac.digest('binary'), 'latin1');
    for (const signature of signatures) {
      const isEqual = signature.length === expected.length && timingSafeEqual(signature, expected);
      if (isEqual) match ??= candidate;
    }
  }
  return match;
}

/** HMAC-SHA256 over the parts as a sender writes it. */
export function macText(key: KeyObject, encoding: BinaryToTextEncoding, ...parts: (string | Buffer)[]): string {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
}
