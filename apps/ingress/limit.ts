import type { RequestHandler } from 'express';
import type { Limiter, Policy } from '#limits/limiter.ts';
import { addressPrefixOf } from '#runtime/address.ts';
import { Failure } from '#runtime/failure.ts';
import type { ClientAddressOf } from './client.ts';

/** Middleware, mounted on routes, that takes one point of the client's network for each request. */
export function limitByAddress(
  { limiter, clientAddressOf }: { limiter: Limiter; clientAddressOf: ClientAddressOf },
  policy: Policy,
): RequestHandler {
  return async (request, _response, next) => {
    const decision = await limiter.consume(policy, addressPrefixOf(clientAddressOf(request)));
    if (!decision.allowed) throw new Failure('limit-exceeded', { retryAfterSeconds: decision.resetSeconds });
    next();
  };
}
