import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { canonicalBytes } from '#access/base64url.ts';
import { KEY_ID, type Keyring, type SecretKeys } from '#access/keyring.ts';

const NONCE_BYTES = 16;
const MAC_BYTES = 16;
const FORM = new RegExp(`^v1\\.(${KEY_ID})\\.([A-Za-z0-9_-]{22})\\.([A-Za-z0-9_-]{22})$`);

/** A signed double-submit token that is bound to one session and dies with it: `v1.<key id>.<nonce>.<mac>`. */
export function makeCsrfToken({ first }: Keyring, sessionId: string): string {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  return `v1.${first.id}.${nonce}.${macOf(first, sessionId, nonce).toString('base64url')}`;
}

/** Whether cookie and header carry the same token, and it was made for this session. */
export function isCsrfTokenOf(
  keyring: Keyring,
  sessionId: string,
  { cookie, header }: { cookie: string | undefined; header: string | undefined },
): boolean {
  if (cookie === undefined || header === undefined || cookie !== header) return false;
  const [, keyId = '', nonce = '', macText = ''] = FORM.exec(cookie) ?? [];
  const keys = keyring.byId(keyId);
  const mac = canonicalBytes(macText);
  if (keys === undefined || mac?.length !== MAC_BYTES) return false;
  return timingSafeEqual(mac, macOf(keys, sessionId, nonce));
}

function macOf(keys: SecretKeys, sessionId: string, nonce: string): Buffer {
  return createHmac('sha256', keys.key('csrf')).update(`${sessionId}\0${nonce}`).digest().subarray(0, MAC_BYTES);
}
