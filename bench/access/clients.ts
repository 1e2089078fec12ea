import { requestBytes, type LoadClient } from '../http-load.ts';
import type { SignedIn } from './people.ts';

/** Sends the same again and again. */
export const fixed = (bytes: Buffer): LoadClient => ({ next: () => bytes });

/** `GET /api/auth/me` with an access token. */
export const readingOwnUser = ({ accessToken }: SignedIn): LoadClient =>
  fixed(requestBytes('GET', '/api/auth/me', { authorization: `Bearer ${accessToken}` }));

/** Each answer holds the token that is sent when its session has its turn again. */
export function rotating(refreshTokens: string[]): LoadClient {
  return {
    next: () => requestBytes('POST', '/api/auth/refresh', {}, { refreshToken: refreshTokens[0] }),
    answered: (_head, body) => {
      const { refreshToken } = JSON.parse(body) as { refreshToken?: string };
      const sent = refreshTokens.shift() as string;
      refreshTokens.push(refreshToken ?? sent);
    },
  };
}

/** Each answer holds the cookie that is sent next. */
export function renewing(cookie: string): LoadClient {
  let current = cookie;
  return {
    next: () => requestBytes('POST', '/refresh', { cookie: current }),
    answered: (head) => {
      current = /\r\nset-cookie: ([^;\r]+)/i.exec(head)?.[1] ?? current;
    },
  };
}
