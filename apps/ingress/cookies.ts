import type { Request, Response } from 'express';

/** The prefix makes browsers refuse the cookie unless it is Secure, has the path / and no domain. */
export const REFRESH_COOKIE = '__Host-refresh';
export const DEVICE_COOKIE = '__Host-device';
export const CSRF_COOKIE = '__Host-csrf';

const MAX_COOKIE_HEADER_LENGTH = 8_192;

/**
 * The value of a cookie; undefined also where the header names it more than once, since nobody can tell which is ours. Of white
 * space only a space and a tab separate cookies (RFC 6265 §4.2.1): what else `trim` takes away would give a name its prefix
 * that a browser has not seen there, so that a sibling domain could set it.
 */
export function cookieOf(request: Request, name: string): string | undefined {
  const header = request.headers.cookie ?? '';
  if (header.length > MAX_COOKIE_HEADER_LENGTH) return undefined;
  const values = header
    .split(';')
    .map(withoutSpace)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}

/** By hand, because a regular expression looks for the end from each space anew: 8 KB of them took it 100 ms. */
function withoutSpace(pair: string): string {
  let [from, to] = [0, pair.length];
  while (from < to && isSpace(pair[from])) from += 1;
  while (to > from && isSpace(pair[to - 1])) to -= 1;
  return pair.slice(from, to);
}

const isSpace = (character: string | undefined): boolean => character === ' ' || character === '\t';

/** Sets a cookie for our own pages only. `value` is of our own making and needs no encoding. */
export function setCookie(
  response: Response,
  name: string,
  value: string,
  { maxAgeSeconds, isReadable = false }: { maxAgeSeconds: number; isReadable?: boolean },
): void {
  const attributes = ['Secure', 'SameSite=Strict', 'Path=/', `Max-Age=${Math.floor(maxAgeSeconds)}`];
  if (!isReadable) attributes.unshift('HttpOnly');
  response.append('set-cookie', `${name}=${value}; ${attributes.join('; ')}`);
}

export function clearCookie(response: Response, name: string, { isReadable = false } = {}): void {
  setCookie(response, name, '', { maxAgeSeconds: 0, isReadable });
}
