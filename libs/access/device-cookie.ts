import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { canonicalBytes } from '#access/base64url.ts';
import { KEY_ID, type Keyring, type SecretKeys } from '#access/keyring.ts';

const NONCE_BYTES = 16;
const MAC_BYTES = 16;
const FORM = new RegExp(`^v1\\.(${KEY_ID})\\.([A-Za-z0-9_-]{22})\\.([A-Za-z0-9_-]{22})$`);

/**
 * A cookie that says: on this device this account has signed in before. It is bound to the account and is no credential.
 * `v1.<key id>.<nonce>.<mac>`
 */
export function makeDeviceCookie({ first }: Keyring, email: string): string {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  return `v1.${first.id}.${nonce}.${macOf(first, email, nonce).toString('base64url')}`;
}

/** Whether this account signed in with this cookie before. One that we did not make for it is never adopted. */
export function isDeviceOf(keyring: Keyring, email: string, cookie: string): boolean {
  const [, keyId = '', nonce = '', macText = ''] = FORM.exec(cookie) ?? [];
  const keys = keyring.byId(keyId);
  const mac = canonicalBytes(macText);
  if (keys === undefined || mac?.length !== MAC_BYTES) return false;
  return timingSafeEqual(mac, macOf(keys, email, nonce));
}

function macOf(keys: SecretKeys, email: string, nonce: string): Buffer {
  return createHmac('sha256', keys.key('device-cookie')).update(`${email}\0${nonce}`).digest().subarray(0, MAC_BYTES);
}
