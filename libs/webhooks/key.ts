import { createPublicKey, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { weaknessOf } from '#runtime/config.ts';
import type { KeyEncoding } from '#webhooks/provider.ts';
import { decodeBase64, decodeHex } from '#webhooks/signature/encoding.ts';

export const keyEncodings = ['utf8', 'base64', 'hex', 'whsec', 'html-decoded'] as const satisfies KeyEncoding[];

const MIN_KEY_BYTES = 16;
/** Standard Webhooks 1.0.0, "Signature scheme". */
const STANDARD_KEY_BYTES = { min: 24, max: 64 };
const ED25519_KEY_BYTES = 32;
const TYPED_PREFIX = /^wh(?:sec|pk)_/;

export interface DecodedKey {
  key: KeyObject;
  /** In hex; its first 8 digits name the key without telling it. */
  sha256: string;
}

/** The key behind a setting's text, or what is wrong with it in words that don't repeat it. */
export function decodeKey(text: string, encoding: KeyEncoding): DecodedKey | string {
  if (encoding === 'whsec' && text.startsWith('whpk_')) return publicKey(text.slice('whpk_'.length));
  if (encoding === 'whsec' && text.startsWith('whsk_')) return 'whsk_ is the key that signs; verifying takes its whpk_';
  const { decode, fault } = decoders[encoding];
  const bytes = decode(text);
  if (bytes === undefined) return fault;
  const { min, max } = encoding === 'whsec' ? STANDARD_KEY_BYTES : { min: MIN_KEY_BYTES, max: Infinity };
  if (bytes.length < min) return `too short: the key has ${bytes.length} bytes, at least ${min} are needed`;
  if (bytes.length > max) return `too long: the key has ${bytes.length} bytes, at most ${max} are allowed`;
  const weakness = weaknessOf(bytes.toString('latin1').replace(TYPED_PREFIX, ''), 1);
  return weakness ?? { key: createSecretKey(bytes), sha256: hash('sha256', bytes) };
}

const decoders: Record<KeyEncoding, { decode: (text: string) => Buffer | undefined; fault: string }> = {
  utf8: { decode: (text) => Buffer.from(text), fault: '' },
  'html-decoded': { decode: (text) => Buffer.from(decodeHtml(text)), fault: '' },
  hex: { decode: (text) => decodeHex(text.toLowerCase(), text.length / 2), fault: 'is not hex' },
  base64: { decode: canonicalBase64, fault: 'is not padded base64' },
  whsec: {
    decode: (text) => (text.startsWith('whsec_') ? canonicalBase64(text.slice('whsec_'.length)) : undefined),
    fault: 'is not whsec_ and padded base64',
  },
};

function canonicalBase64(text: string): Buffer | undefined {
  return decodeBase64(text, Buffer.from(text, 'base64').length);
}

/** An Ed25519 public key (RFC 8032) from its 32 bytes, wrapped as a JWK (RFC 8037 §2), because Node takes no bare ones. */
function publicKey(text: string): DecodedKey | string {
  const bytes = decodeBase64(text, ED25519_KEY_BYTES);
  if (bytes === undefined) return 'is not whpk_ and the base64 of 32 bytes';
  if (weaknessOf(bytes.toString('latin1'), 1) !== undefined) return 'too weak: no real public key';
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') };
  return { key: createPublicKey({ key: jwk, format: 'jwk' }), sha256: hash('sha256', bytes) };
}

const ENTITY = /&(?:(amp|#0*38|#[xX]0*26)|(lt|#0*60)|(gt|#0*62)|(quot|#0*34|#[xX]0*22)|(#0*39|#[xX]0*27));/g;

/** The entities that WordPress decodes with both kinds of quotes, in one pass: what one of them decodes to is not decoded again. */
function decodeHtml(text: string): string {
  return text.replaceAll(ENTITY, (_entity, amp, lt, gt, quot) => {
    if (amp !== undefined) return '&';
    if (lt !== undefined) return '<';
    if (gt !== undefined) return '>';
    return quot === undefined ? "'" : '"';
  });
}
