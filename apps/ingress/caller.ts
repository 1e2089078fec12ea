import type { Response } from 'express';
import { Failure } from '#runtime/failure.ts';

export type Role = 'user' | 'agent' | 'admin';

/** Who calls: a signed-in person, or a program with an API token. */
export interface Caller {
  kind: 'user' | 'token';
  userId: string;
  role: Role;
  /** The session that the access token names; undefined for API tokens. */
  sessionId: string | undefined;
  tokenId: string | undefined;
}

export function rememberCaller(response: Response, caller: Caller, watchEnd = neverEnds): void {
  response.locals['caller'] = caller;
  response.locals['watchEnd'] = watchEnd;
}

/** Aborts when the caller's session ends, for answers that are held open. Call it once a request. */
export function endOfCaller(response: Response): AbortSignal {
  const watchEnd = response.locals['watchEnd'] as (() => AbortSignal) | undefined;
  if (watchEnd === undefined) throw new Failure('unauthenticated');
  return watchEnd();
}

const neverEnds = (): AbortSignal => new AbortController().signal;

/** The caller that the authentication of this route has let in. */
export function callerOf(response: Response): Caller {
  const caller = response.locals['caller'] as Caller | undefined;
  if (caller === undefined) throw new Failure('unauthenticated');
  return caller;
}
