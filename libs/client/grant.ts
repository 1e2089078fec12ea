import type { Tokens } from './refresh-answer.ts';
import type { ServerClock } from './server-clock.ts';

/** What a tab may do requests with. Times are the server's, in ms. */
export interface Grant {
  accessToken: string;
  /** Only in bearer mode; in cookie mode no script ever sees it. */
  refreshToken: string | undefined;
  userId: string | undefined;
  sessionId: string | undefined;
  issuedAtMs: number;
  /** From here on it is refreshed ahead of time, when it is used. */
  refreshAtMs: number;
  expiresAtMs: number;
  /** Of the local clock when it was issued, for whoever reads it from storage. */
  offsetMs: number;
}

/** Refreshed after 75 to 90 % of its life: not by all tabs and all people at once. */
const EARLIEST_SHARE = 0.75;
const JITTER_SHARE = 0.15;
/** A request that is sent in the last moments would arrive too late. */
const MARGIN_SHARE = 0.02;

export function grantOf(tokens: Tokens, clock: ServerClock, random: () => number): Grant {
  const lifeMs = tokens.expiresIn * 1_000;
  const issuedAtMs = clock.now();
  const { sub, sid } = claimsOf(tokens.accessToken);
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    userId: sub,
    sessionId: sid,
    issuedAtMs,
    refreshAtMs: issuedAtMs + lifeMs * (EARLIEST_SHARE + JITTER_SHARE * random()),
    expiresAtMs: issuedAtMs + lifeMs * (1 - MARGIN_SHARE),
    offsetMs: clock.offsetMs,
  };
}

/** Read without verification: only the server can tell whether they are true. */
function claimsOf(accessToken: string): { sub?: string; sid?: string } {
  try {
    const payload = accessToken.split('.')[1] ?? '';
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return {};
  }
}
