import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalBytes } from '#access/base64url.ts';
import { KEY_ID, type Keyring, type SecretKeys } from '#access/keyring.ts';

const VERSION = 'v1';
const SECRET_BYTES = 32;
const MAC_BYTES = 16;
const FORM = new RegExp(
  `^${VERSION}\\.(${KEY_ID})\\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\\.(0|[1-9]\\d{0,8})` +
    `\\.([A-Za-z0-9_-]{43})\\.([A-Za-z0-9_-]{22})$`,
);

/** What an authentic refresh token says. Authentic is not current: only the database knows that. */
export interface RefreshTokenParts {
  sessionId: string;
  generation: number;
  /** 32 bytes; the database knows its SHA-256 only. */
  secret: Buffer;
  secretHash: Buffer;
}

/** `v1.<key id>.<session id>.<generation>.<secret>.<mac>` */
export function refreshTokenText(keys: SecretKeys, parts: Omit<RefreshTokenParts, 'secretHash'>): string {
  const mac = macOf(keys, parts.sessionId, parts.generation, hashOf(parts.secret));
  return [
    VERSION,
    keys.id,
    parts.sessionId,
    parts.generation,
    parts.secret.toString('base64url'),
    mac.toString('base64url'),
  ].join('.');
}

/**
 * Reads a presented refresh token. Undefined for whatever we did not make: without the MAC anyone could write a token that
 * names a foreign session (session ids are no secrets), have it taken for a replay, and so end that session.
 */
export function readRefreshToken(keyring: Keyring, text: string): RefreshTokenParts | undefined {
  const [, keyId = '', sessionId = '', generation = '', secretText = '', macText = ''] = FORM.exec(text) ?? [];
  const keys = keyring.byId(keyId);
  const secret = canonicalBytes(secretText);
  const mac = canonicalBytes(macText);
  if (keys === undefined || secret?.length !== SECRET_BYTES || mac?.length !== MAC_BYTES) return undefined;
  const parts = { sessionId, generation: Number(generation), secret, secretHash: hashOf(secret) };
  const expected = macOf(keys, parts.sessionId, parts.generation, parts.secretHash);
  return timingSafeEqual(mac, expected) ? parts : undefined;
}

export function hashOf(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}

function macOf(keys: SecretKeys, sessionId: string, generation: number, secretHash: Buffer): Buffer {
  return createHmac('sha256', keys.key('refresh-token'))
    .update(`${VERSION}.${sessionId}.${generation}.`)
    .update(secretHash)
    .digest()
    .subarray(0, MAC_BYTES);
}
