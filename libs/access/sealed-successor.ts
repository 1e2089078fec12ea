import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Keyring, SecretKeys } from '#access/keyring.ts';

const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The rotation that a successor belongs to. */
export interface Rotation {
  sessionId: string;
  /** The generation of the successor. */
  generation: number;
  /** The secret of the token that was rotated away. */
  parentSecret: Buffer;
}

/**
 * Encrypts the secret of a successor so that only the presenter of its parent can open it: the key comes from the parent's
 * secret and from the server's. `key id ‖ nonce ‖ ciphertext ‖ tag`, AES-256-GCM.
 */
export function sealSuccessor(keys: SecretKeys, rotation: Rotation, successorSecret: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(keys, rotation), nonce);
  cipher.setAAD(boundTo(rotation));
  const sealed = Buffer.concat([cipher.update(successorSecret), cipher.final()]);
  return Buffer.concat([Buffer.from(keys.id, 'latin1'), nonce, sealed, cipher.getAuthTag()]);
}

/**
 * The keys that the successor was made with, and its secret; undefined if their secret is configured no longer.
 * @throws Error if the seal was made for another rotation.
 */
export function openSuccessor(
  keyring: Keyring,
  rotation: Rotation,
  sealed: Buffer,
): { keys: SecretKeys; secret: Buffer } | undefined {
  const keys = keyring.byId(sealed.toString('latin1', 0, KEY_ID_BYTES));
  if (keys === undefined) return undefined;
  const nonce = sealed.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', keyOf(keys, rotation), nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(rotation));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = sealed.subarray(KEY_ID_BYTES + NONCE_BYTES, -TAG_BYTES);
  return { keys, secret: Buffer.concat([decipher.update(text), decipher.final()]) };
}

function keyOf(keys: SecretKeys, rotation: Rotation): Buffer {
  return Buffer.from(hkdfSync('sha256', rotation.parentSecret, keys.key('sealed-successor'), boundTo(rotation), 32));
}

function boundTo({ sessionId, generation }: Rotation): Buffer {
  return Buffer.from(`portcullis successor ${sessionId} ${generation}`);
}
