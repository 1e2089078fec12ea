import type { Grant } from './grant.ts';
import type { Platform } from './platform.ts';
import { problemOf } from './problem.ts';
import type { RequestTarget } from './request-target.ts';
import type { ServerClock } from './server-clock.ts';
import type { Session } from './session.ts';
import { untilAborted } from './until-aborted.ts';

export interface AuthorizedFetchParts {
  session: Session;
  platform: Platform;
  clock: ServerClock;
  targetOf: (url: string) => RequestTarget;
}

/** A 401 that does not come from Portcullis says little: a token this young is not refreshed for it. */
const YOUNG_MS = 5_000;

/** `fetch` that is signed in. A request to another origin gets no token. */
export function openAuthorizedFetch({ session, platform, clock, targetOf }: AuthorizedFetchParts): typeof fetch {
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const { url, isTrusted } = targetOf(input instanceof Request ? input.url : input.toString());
    if (!isTrusted) return platform.fetch(input, init);

    const send = (authorization: string): Promise<Response> => {
      const headers = new Headers(init.headers ?? request?.headers);
      headers.set('authorization', authorization);
      return platform.fetch(request ?? url, { ...init, headers });
    };
    const mayRepeat = canReplay(init.body) && (request?.body ?? null) === null;
    return sendSignedIn({ session, clock, signal: init.signal ?? request?.signal, mayRepeat }, send);
  };
}

export interface SignedInSending extends Pick<AuthorizedFetchParts, 'session' | 'clock'> {
  signal: AbortSignal | null | undefined;
  /** Whether the same can be sent twice. */
  mayRepeat: boolean;
}

/** Sends with a token, and once more with the next one where the first is refused. */
export async function sendSignedIn(
  { session, clock, signal, mayRepeat }: SignedInSending,
  send: (authorization: string) => Promise<Response>,
): Promise<Response> {
  const sendWith = async ({ accessToken }: Grant): Promise<Response> => {
    const response = await send(`Bearer ${accessToken}`);
    clock.learn(response.headers);
    return response;
  };
  const grant = await untilAborted(session.current(), signal);
  const response = await sendWith(grant);
  if (response.status !== 401 || !(await isRefused(response, grant, clock))) return response;
  const next = await untilAborted(session.replace(grant), signal);
  return mayRepeat ? sendWith(next) : response;
}

export async function isRefused(response: Response, grant: Grant, clock: ServerClock): Promise<boolean> {
  if (clock.now() - grant.issuedAtMs > YOUNG_MS) return true;
  const { code } = await problemOf(response.clone());
  return code === 'token-invalid' || code === 'unauthenticated';
}

/** A stream of whatever kind is used up by sending it. */
export function canReplay(body: unknown): boolean {
  return typeof body !== 'object' || !body || !('getReader' in body || 'pipe' in body || Symbol.asyncIterator in body);
}
