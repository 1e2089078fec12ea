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

export function rememberCaller(response: Response, caller: Caller): void {
  response.locals['caller'] = caller;
}

/** The caller that the authentication of this route has let in. */
export function callerOf(response: Response): Caller {
  const caller = response.locals['caller'] as Caller | undefined;
  if (caller === undefined) throw new Failure('unauthenticated');
  return caller;
}
