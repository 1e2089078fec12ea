import type { Request, RequestHandler, Response } from 'express';
import type { DynamicLimiter, DynamicPolicy, Outcome, Verdict } from '#limits/dynamic-limiter.ts';
import { rateLimitFields } from '#limits/fields.ts';
import { soon, type Soon } from '#runtime/soon.ts';
import { addressPrefixOf } from '#runtime/address.ts';
import { Failure } from '#runtime/failure.ts';
import type { ClientAddressOf } from './client.ts';

/** What is told of every decision. */
export interface LimitObserver {
  decided(policy: string, outcome: Outcome, isLocal: boolean): void;
  /** A caller was refused for its own doing. */
  hit(hit: { policy: string; addressPrefix: string; actorId?: string | undefined }): void;
}

export interface LimitParts {
  dynamic: DynamicLimiter;
  clientAddressOf: ClientAddressOf;
  observe: LimitObserver;
}

export interface Charge {
  policy: DynamicPolicy;
  key: string;
  /** By default one point for a request that reads and five for one that writes. */
  cost?: number | undefined;
  /** Who pays, if that is known. */
  actorId?: string;
}

/**
 * Takes the points of one request and tells the caller how many are left.
 * @throws Failure `limit-exceeded` and `usage-abnormal` where the caller is the cause, `capacity-reduced` where load is.
 */
export type ChargeRequest = (request: Request, response: Response, charge: Charge) => Soon<void>;

const READ_COST = 1;
const WRITE_COST = 5;

export function openCharge({ dynamic, clientAddressOf, observe }: LimitParts): ChargeRequest {
  return (request, response, { policy, key, cost = costOf(request), actorId }) =>
    soon(dynamic.take(policy, key, cost), (verdict) => {
      observe.decided(policy.name, verdict.outcome, verdict.isLocal);
      addFields(response, verdict);
      if (verdict.outcome === 'allowed') return;
      if (verdict.outcome !== 'shed') {
        observe.hit({ policy: policy.name, addressPrefix: addressPrefixOf(clientAddressOf(request)), actorId });
      }
      throw refusalOf(verdict);
    });
}

/** One policy in each field, or a list of those that a request has passed. */
function addFields(response: Response, verdict: Verdict): void {
  const fields = rateLimitFields(verdict);
  for (const name of ['ratelimit', 'ratelimit-policy'] as const) {
    const before = response.getHeader(name);
    response.setHeader(name, before === undefined ? fields[name] : `${String(before)}, ${fields[name]}`);
  }
}

export interface RateLimiterParts {
  charge: ChargeRequest;
  clientAddressOf: ClientAddressOf;
}

/**
 * Middleware that charges each request to the network that it comes from: tier, load, reputation and cost decide. It is
 * mounted on routes, so no spelling of a path leads round it.
 */
export function dynamicRateLimiter(
  { charge, clientAddressOf }: RateLimiterParts,
  { policy, cost }: { policy: DynamicPolicy; cost?: number },
): RequestHandler {
  return (request, response, next) => {
    const key = addressPrefixOf(clientAddressOf(request));
    return soon(charge(request, response, { policy, key, cost }), () => next());
  };
}

function costOf({ method }: Request): number {
  return method === 'GET' || method === 'HEAD' ? READ_COST : WRITE_COST;
}

const codes = {
  exceeded: 'limit-exceeded',
  abnormal: 'usage-abnormal',
  shed: 'capacity-reduced',
} as const;

function refusalOf({ outcome, policy, resetSeconds }: Verdict): Failure {
  if (outcome === 'allowed') throw new TypeError('what is allowed is not refused');
  return new Failure(codes[outcome], {
    retryAfterSeconds: resetSeconds,
    members: { 'violated-policies': [policy] },
  });
}
