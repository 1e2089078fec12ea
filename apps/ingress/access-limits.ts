import type { Request, RequestHandler, Response } from 'express';
import type { Keyring } from '#access/keyring.ts';
import type { DynamicPolicy } from '#limits/dynamic-limiter.ts';
import type { Soon } from '#runtime/soon.ts';
import type { ClientAddressOf } from './client.ts';
import { emailField } from './fields.ts';
import { dynamicRateLimiter } from './limit.ts';
import { oneATurn } from './one-a-turn.ts';
import type { Limits } from './open-limits.ts';
import { progressiveDelayMiddleware } from './progressive-delay.ts';
import { knownDeviceOf } from './session-cookies.ts';

/** Whatever costs a password hash, for one network and minute: enough for an office behind one address. */
const PASSWORDS: DynamicPolicy = { name: 'password', points: 120, windowSeconds: 60, isStrict: true };
const REFRESHES: DynamicPolicy = { name: 'refresh', points: 1_000, windowSeconds: 60, leastFactor: 1, isStrict: true };

/** What stands before the routes of sign-in and sessions. */
export interface AccessLimits {
  /** First of all before what costs a password hash: of a flood of it, one request a turn of the event loop. */
  inTurn: RequestHandler;
  /** Before what costs a password hash. */
  passwords: RequestHandler;
  /** Before what strangers try a secret at; after the body was read, because the owner's own device is let past. */
  delay: RequestHandler;
  /** Before what anybody may ask for. */
  anyone: RequestHandler;
  /** Charges the session that an authentic refresh token names. */
  chargeRefresh(request: Request, response: Response, sessionId: string): Soon<void>;
}

export function openAccessLimits(
  { charge, delays, tiers }: Pick<Limits, 'charge' | 'delays' | 'tiers'>,
  { keys, clientAddressOf }: { keys: Keyring; clientAddressOf: ClientAddressOf },
): AccessLimits {
  const limit = (policy: DynamicPolicy): RequestHandler => dynamicRateLimiter(charge, { policy, cost: 1 });
  return {
    inTurn: oneATurn(),
    passwords: limit(PASSWORDS),
    anyone: tiers.anonymous === undefined ? (_request, _response, next) => next() : limit(tiers.anonymous),
    delay: progressiveDelayMiddleware({
      delays,
      clientAddressOf,
      isExempt: (request) => isOnKnownDevice(request, keys),
    }),
    chargeRefresh: (request, response, sessionId) =>
      charge(request, response, { policy: REFRESHES, key: sessionId, cost: 1 }),
  };
}

function isOnKnownDevice(request: Request, keys: Keyring): boolean {
  const body: unknown = request.body;
  const email =
    typeof body === 'object' && body !== null && 'email' in body ? emailField.safeParse(body.email) : undefined;
  return email?.success === true && knownDeviceOf(request, keys, email.data) !== undefined;
}
