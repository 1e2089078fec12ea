import { isBoundTokenOf, makeBoundToken } from '#access/bound-token.ts';
import type { Keyring } from '#access/keyring.ts';

/** A cookie that says: on this device this account has signed in before. It is bound to the account and is no credential. */
export function makeDeviceCookie(keyring: Keyring, email: string): string {
  return makeBoundToken(keyring, 'device-cookie', email);
}

/** Whether this account signed in with this cookie before. One that we did not make for it is never adopted. */
export function isDeviceOf(keyring: Keyring, email: string, cookie: string): boolean {
  return isBoundTokenOf(keyring, 'device-cookie', email, cookie);
}
