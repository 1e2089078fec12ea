import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { canonicalBytes } from '#access/base64url.ts';
import { KEY_ID, type Keyring, type KeyPurpose, type SecretKeys } from '#access/keyring.ts';

const NONCE_BYTES = 16;
const MAC_BYTES = 16;
const FORM = new RegExp(`^v1\\.(${KEY_ID})\\.([A-Za-z0-9_-]{22})\\.([A-Za-z0-9_-]{22})$`);

/** A token that proves nothing but that we made it for this purpose and this subject: `v1.<key id>.<nonce>.<mac>`. */
export function makeBoundToken({ first }: Keyring, purpose: KeyPurpose, subject: string): string {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  return `v1.${first.id}.${nonce}.${macOf(first, purpose, subject, nonce).toString('base64url')}`;
}

/** Whether we made this token for this purpose and this subject, with any secret that is in use. */
export function isBoundTokenOf(keyring: Keyring, purpose: KeyPurpose, subject: string, token: string): boolean {
  const [, keyId = '', nonce = '', macText = ''] = FORM.exec(token) ?? [];
  const keys = keyring.byId(keyId);
  const mac = canonicalBytes(macText);
  if (keys === undefined || mac?.length !== MAC_BYTES) return false;
  return timingSafeEqual(mac, macOf(keys, purpose, subject, nonce));
}

function macOf(keys: SecretKeys, purpose: KeyPurpose, subject: string, nonce: string): Buffer {
  return createHmac('sha256', keys.key(purpose)).update(`${subject}\0${nonce}`).digest().subarray(0, MAC_BYTES);
}
