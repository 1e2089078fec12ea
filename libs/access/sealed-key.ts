import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { SecretKeys } from '#access/keyring.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A private signing key as it lies in the database: `nonce ‖ ciphertext ‖ tag`, AES-256-GCM, bound to its kid. */
export function sealPrivateKey(keys: SecretKeys, kid: string, key: JWK): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keys.key('signing-key'), nonce);
  cipher.setAAD(Buffer.from(kid));
  return Buffer.concat([nonce, cipher.update(JSON.stringify(key)), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error if the bytes were changed, or sealed for another kid or under another secret. */
export function openPrivateKey(keys: SecretKeys, kid: string, sealed: Buffer): JWK {
  const decipher = createDecipheriv('aes-256-gcm', keys.key('signing-key'), sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(kid));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  return JSON.parse(text.toString('utf8')) as JWK;
}
