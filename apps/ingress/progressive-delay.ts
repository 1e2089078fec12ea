import type { Request, RequestHandler } from 'express';
import type { Delays } from '#limits/delays.ts';
import { addressPrefixOf } from '#runtime/address.ts';
import { Failure, type FailureCode } from '#runtime/failure.ts';
import type { ClientAddressOf } from './client.ts';
import { onProblem } from './problem.ts';

/** Answers to a wrong secret. Whoever is signed in has a counter of their own, which nobody else uses up. */
const WRONG: readonly (FailureCode | 'bug')[] = ['login-failed', 'reset-invalid'];

export interface ProgressiveDelayParts {
  delays: Delays;
  clientAddressOf: ClientAddressOf;
  /** Whether this request is on a path of its own, past the delays of its network. */
  isExempt?: (request: Request) => boolean;
}

/**
 * A network that keeps trying wrong passwords has to wait, twice as long each time: until then it is answered 429 with
 * `Retry-After`, at once, without a look at what it sent. No request is held.
 */
export function progressiveDelayMiddleware(parts: ProgressiveDelayParts): RequestHandler {
  const { delays, clientAddressOf, isExempt = () => false } = parts;
  return async (request, response, next) => {
    if (isExempt(request)) {
      next();
      return;
    }
    const addressPrefix = addressPrefixOf(clientAddressOf(request));
    const retryAfterSeconds = await delays.waitSeconds(addressPrefix);
    if (retryAfterSeconds > 0) {
      throw new Failure('limit-exceeded', { retryAfterSeconds, members: { 'violated-policies': ['password-delay'] } });
    }
    onProblem(response, ({ code }) => {
      if (WRONG.includes(code)) void delays.failed(addressPrefix);
    });
    next();
  };
}
