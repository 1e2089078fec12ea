import { createPrivateKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decodeKey } from '#webhooks/key.ts';
import type { KeyEncoding } from '#webhooks/provider.ts';

/** PKCS #8 around a bare Ed25519 seed (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;

/** The key that makes signatures: the same text that verifies HMAC, or a `whsk_` for Ed25519; else what is wrong with it. */
export function decodeSigningKey(text: string, encoding: KeyEncoding): KeyObject | string {
  if (encoding === 'whsec' && text.startsWith('whsk_')) return privateKey(text.slice('whsk_'.length));
  if (encoding === 'whsec' && text.startsWith('whpk_'))
    return 'whpk_ is the key that verifies; signing takes its whsk_';
  const decoded = decodeKey(text, encoding);
  return typeof decoded === 'string' ? decoded : decoded.key;
}

/** Of the seed, or of the seed with its public key after it, as Svix writes it. */
function privateKey(text: string): KeyObject | string {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== SEED_BYTES && bytes.length !== SEED_BYTES * 2)
    return 'is not whsk_ and the base64 of 32 or 64 bytes';
  const der = Buffer.concat([PKCS8_PREFIX, bytes.subarray(0, SEED_BYTES)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** A setting that signs the Standard Webhooks way: `whsec_…`, or `whsk_…` for Ed25519. */
export const signingSecret = z
  .string()
  .transform((text, context): KeyObject => {
    const key = decodeSigningKey(text, 'whsec');
    if (typeof key !== 'string') return key;
    context.addIssue({ code: 'custom', message: key });
    return z.NEVER;
  })
  .meta({ secret: true });
