import type { Request, Response } from 'express';
import { makeCsrfToken } from '#access/csrf-token.ts';
import { isDeviceOf } from '#access/device-cookie.ts';
import type { Keyring } from '#access/keyring.ts';
import { clearCookie, cookieOf, CSRF_COOKIE, DEVICE_COOKIE, REFRESH_COOKIE, setCookie } from './cookies.ts';

/** The longest that browsers keep a cookie. */
const DEVICE_SECONDS = 400 * 86_400;

/** The refresh token of a browser goes into a cookie and never into a body. */
export function setSessionCookies(
  response: Response,
  csrfKeys: Keyring,
  session: { sessionId: string; refreshToken: string; remainingSeconds: number },
): void {
  const { sessionId, refreshToken, remainingSeconds } = session;
  setCookie(response, REFRESH_COOKIE, refreshToken, { maxAgeSeconds: remainingSeconds });
  const csrfToken = makeCsrfToken(csrfKeys, sessionId);
  setCookie(response, CSRF_COOKIE, csrfToken, { maxAgeSeconds: remainingSeconds, isReadable: true });
}

/** The device itself is remembered beyond the session. */
export function clearSessionCookies(response: Response): void {
  clearCookie(response, REFRESH_COOKIE);
  clearCookie(response, CSRF_COOKIE, { isReadable: true });
}

/** The cookie that says that this account has signed in on this device before; one that we did not make for it is none. */
export function knownDeviceOf(request: Request, keys: Keyring, email: string): string | undefined {
  const presented = cookieOf(request, DEVICE_COOKIE);
  return presented !== undefined && isDeviceOf(keys, email, presented) ? presented : undefined;
}

export function setDeviceCookie(response: Response, cookie: string): void {
  setCookie(response, DEVICE_COOKIE, cookie, { maxAgeSeconds: DEVICE_SECONDS });
}
