import type { Request } from 'express';
import type { Keyring } from '#access/keyring.ts';
import { readRefreshToken, type RefreshTokenParts } from '#access/refresh-token-text.ts';
import { Failure } from '#runtime/failure.ts';
import { cookieOf, REFRESH_COOKIE } from './cookies.ts';
import type { Access } from './open-access.ts';

/**
 * The authentic refresh token of a request: the body's, or else the cookie's, which counts only with the CSRF token of its
 * session.
 * @throws Failure `refresh-missing`, `refresh-invalid`, `csrf-refused`.
 */
export function presentedOf(
  request: Request,
  { context, csrf }: Pick<Access, 'context' | 'csrf'>,
  inBody: string | undefined,
): { presented: RefreshTokenParts; isCookie: boolean } {
  if (inBody !== undefined) return { presented: authentic(context.keys, inBody), isCookie: false };
  const cookie = cookieOf(request, REFRESH_COOKIE);
  if (cookie === undefined) throw new Failure('refresh-missing');
  csrf.requireOwnPage(request);
  const presented = authentic(context.keys, cookie);
  csrf.requireToken(request, presented.sessionId);
  return { presented, isCookie: true };
}

/** The authentic refresh token in the cookie, for acts that need no more than to know the session it names. */
export function refreshCookieOf(request: Request, keys: Keyring): RefreshTokenParts | undefined {
  const cookie = cookieOf(request, REFRESH_COOKIE);
  return cookie === undefined ? undefined : readRefreshToken(keys, cookie);
}

function authentic(keys: Keyring, text: string): RefreshTokenParts {
  const parts = readRefreshToken(keys, text);
  if (parts === undefined) throw new Failure('refresh-invalid');
  return parts;
}
