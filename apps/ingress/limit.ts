import type { Request, RequestHandler, Response } from 'express';
import type { DynamicLimiter, DynamicPolicy, Outcome, Verdict } from '#limits/dynamic-limiter.ts';
import { openRateLimitFields, type RateLimitFields } from '#limits/fields.ts';
import { soon, type Soon } from '#runtime/soon.ts';
import { Failure } from '#runtime/failure.ts';
import { openClientNetworkOf, type ClientAddressOf } from './client.ts';

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
  /** By default the network that the request comes from. */
  key?: string;
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
  const networkOf = openClientNetworkOf(clientAddressOf);
  const fieldsOf = openRateLimitFields();
  return (request, response, { policy, key = networkOf(request), cost = costOf(request), actorId }) =>
    soon(dynamic.take(policy, key, cost), (verdict) => {
      observe.decided(policy.name, verdict.outcome, verdict.isLocal);
      addFields(response, fieldsOf(verdict));
      if (verdict.outcome === 'allowed') return;
      if (verdict.outcome !== 'shed') {
        observe.hit({ policy: policy.name, addressPrefix: networkOf(request), actorId });
      }
      throw refusalOf(verdict);
    });
}

/** One policy in each field, or a list of those that a request has passed. */
function addFields(response: Response, fields: RateLimitFields): void {
  const isFirst = !response.hasHeader('ratelimit');
  for (const name of ['ratelimit', 'ratelimit-policy'] as const) {
    response.setHeader(name, isFirst ? fields[name] : `${String(response.getHeader(name))}, ${fields[name]}`);
  }
}

/**
 * Middleware that charges each request to the network that it comes from: tier, load, reputation and cost decide. It is
 * mounted on routes, so no spelling of a path leads round it.
 */
export function dynamicRateLimiter(
  charge: ChargeRequest,
  limit: { policy: DynamicPolicy; cost?: number },
): RequestHandler {
  return (request, response, next) => soon(charge(request, response, limit), () => next());
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
