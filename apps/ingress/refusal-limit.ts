import type { RequestHandler } from 'express';
import { limitFailure } from '#limits/limit-failure.ts';
import type { Policy } from '#limits/limiter.ts';
import type { LocalLimiter } from '#limits/local-limiter.ts';
import { addressPrefixOf } from '#runtime/address.ts';
import type { ClientAddressOf } from './client.ts';
import type { LimitObserver } from './limit.ts';
import { onProblem } from './problem.ts';

/** Requests of one network that may be answered with an error of its own making. */
const REFUSALS: Policy = { name: 'refusals', points: 600, windowSeconds: 60 };

/** A state of ours or of the thing asked for, rather than a fault of the request. */
const HARMLESS = new Set([409, 410, 412, 416, 429]);

export interface RefusalLimitParts {
  /** Of this process alone, because it stands before everything and must not wait. */
  limiter: LocalLimiter;
  clientAddressOf: ClientAddressOf;
  observe: LimitObserver;
}

/**
 * The first middleware of all: a network whose requests keep being malformed, unauthenticated or for what is not there is
 * not looked at any more for a while. What succeeds costs nothing here.
 */
export function limitRefusals({ limiter, clientAddressOf, observe }: RefusalLimitParts): RequestHandler {
  return (request, response, next) => {
    const addressPrefix = addressPrefixOf(clientAddressOf(request));
    const state = limiter.peek(REFUSALS, addressPrefix);
    if (!state.allowed) {
      observe.decided(REFUSALS.name, 'exceeded', true);
      observe.hit({ policy: REFUSALS.name, addressPrefix });
      throw limitFailure(REFUSALS, state.resetSeconds);
    }
    onProblem(response, ({ status }) => {
      if (isRefusal(status)) limiter.consume(REFUSALS, addressPrefix);
    });
    next();
  };
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !HARMLESS.has(status);
}
