import type { RequestHandler } from 'express';
import { limitFailure } from '#limits/limit-failure.ts';
import type { Limiter, Policy } from '#limits/limiter.ts';
import { callerOf } from './caller.ts';

const policies = {
  one: { name: 'replay', points: 60, windowSeconds: 60 },
  many: { name: 'replay-bulk', points: 10, windowSeconds: 60 },
} as const satisfies Record<string, Policy>;

/** How often one admin may replay, whatever it is. @throws Failure `limit-exceeded` */
export function limitReplays(limiter: Limiter, kind: keyof typeof policies): RequestHandler {
  const policy = policies[kind];
  return async (_request, response, next) => {
    const decision = await limiter.consume(policy, callerOf(response).userId);
    if (!decision.allowed) throw limitFailure(policy, decision.resetSeconds);
    next();
  };
}
