import type { Request, Response } from 'express';
import type { Actor } from '#access/context.ts';
import { addressPrefixOf } from '#runtime/address.ts';
import { Failure } from '#runtime/failure.ts';
import { callerOf } from './caller.ts';
import type { ClientAddressOf } from './client.ts';

/** The signed-in person who calls, and the session they call in. @throws Failure `forbidden` for programs. */
export function personOf(response: Response): { userId: string; sessionId: string } {
  const { userId, sessionId } = callerOf(response);
  if (sessionId === undefined) throw new Failure('forbidden');
  return { userId, sessionId };
}

/** Who acts, as security events name them. */
export function actorOf(request: Request, response: Response, addressOf: ClientAddressOf): Actor {
  const { kind, userId } = callerOf(response);
  return { actorId: userId, actorKind: kind, addressPrefix: addressPrefixOf(addressOf(request)) };
}
