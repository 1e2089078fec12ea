import type { Request } from 'express';
import { isCsrfTokenOf } from '#access/csrf-token.ts';
import type { Keyring } from '#access/keyring.ts';
import { Failure } from '#runtime/failure.ts';
import { cookieOf, CSRF_COOKIE } from './cookies.ts';

export interface CsrfGuard {
  /** @throws Failure `csrf-refused` unless the browser says that one of our own pages asks. */
  requireOwnPage(request: Request): void;
  /** The same, and the request must carry the token of this session. */
  requireToken(request: Request, sessionId: string): void;
}

const HARMLESS_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Guards requests whose credential is a cookie: Fetch Metadata and Origin first, a signed double-submit token second. Calls
 * with a bearer token need neither. `origins` are compared whole.
 */
export function openCsrfGuard({ origins, keys }: { origins: readonly string[]; keys: Keyring }): CsrfGuard {
  const own = new Set(origins);

  function isFromOwnPage(request: Request): boolean {
    if (HARMLESS_METHODS.has(request.method)) return true;
    const { origin } = request.headers;
    if (origin !== undefined && !own.has(origin)) return false;
    switch (request.headers['sec-fetch-site']) {
      case 'same-origin':
        return true;
      case 'same-site':
      case 'cross-site':
        return origin !== undefined;
      case 'none':
        return true;
      case undefined:
        return origin !== undefined;
      default:
        return false;
    }
  }

  return {
    requireOwnPage(request) {
      if (!isFromOwnPage(request)) throw new Failure('csrf-refused');
    },
    requireToken(request, sessionId) {
      this.requireOwnPage(request);
      const header = request.headers['x-csrf-token'];
      const cookie = cookieOf(request, CSRF_COOKIE);
      if (typeof header === 'string' && isCsrfTokenOf(keys, sessionId, { cookie, header })) return;
      throw new Failure('csrf-refused', { detail: 'send the value of the cookie __Host-csrf as x-csrf-token' });
    },
  };
}
