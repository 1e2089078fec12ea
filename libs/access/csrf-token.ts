import { isBoundTokenOf, makeBoundToken } from '#access/bound-token.ts';
import type { Keyring } from '#access/keyring.ts';

/** A signed double-submit token that is bound to one session and dies with it. */
export function makeCsrfToken(keyring: Keyring, sessionId: string): string {
  return makeBoundToken(keyring, 'csrf', sessionId);
}

/** Whether cookie and header carry the same token, and it was made for this session. */
export function isCsrfTokenOf(
  keyring: Keyring,
  sessionId: string,
  { cookie, header }: { cookie: string | undefined; header: string | undefined },
): boolean {
  if (cookie === undefined || header === undefined || cookie !== header) return false;
  return isBoundTokenOf(keyring, 'csrf', sessionId, cookie);
}
