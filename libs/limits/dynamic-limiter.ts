import type { Decision, Limiter, Policy } from '#limits/limiter.ts';
import { LEAST_FACTOR, type Load } from '#limits/load.ts';
import type { Reputations } from '#limits/reputation.ts';
import { soon, type Soon } from '#runtime/soon.ts';

export interface DynamicPolicy extends Policy {
  /** The least part of the quota that load leaves, 0.25 to 1: who keeps the place running is shed last. */
  leastFactor?: number;
}

/** `exceeded` and `abnormal` are the caller's doing, `shed` is ours. */
export type Outcome = 'allowed' | 'exceeded' | 'abnormal' | 'shed';

export interface Verdict {
  outcome: Outcome;
  policy: string;
  /** What this caller has at the moment, in points. */
  quota: number;
  remaining: number;
  windowSeconds: number;
  /** Until there is more. Of a refusal with a random part on top, so that callers don't return as a herd. */
  resetSeconds: number;
  isLocal: boolean;
}

export interface DynamicLimiter {
  /** Takes `cost` points of `key` out of what the policy, the load and the reputation of the key leave it. */
  take(policy: DynamicPolicy, key: string, cost?: number): Soon<Verdict>;
}

export interface DynamicLimiterOptions {
  limiter: Limiter;
  load: Pick<Load, 'factor'>;
  reputations: Reputations;
  random?: () => number;
}

/** A caller this far down is told that its usage is abnormal. */
const ABNORMAL_BELOW = 0.5;
/** Load may be gone long before the window is over. */
const SHED_SECONDS = 5;
const JITTER = 0.1;
const SHED_JITTER = 2;

export function openDynamicLimiter(options: DynamicLimiterOptions): DynamicLimiter {
  const { limiter, load, reputations, random = Math.random } = options;

  return {
    take(policy, key, cost = 1) {
      const reputation = reputations.of(policy.name, key);
      const earned = Math.max(cost, Math.floor(policy.points * reputation));
      const factor = Math.max(load.factor, policy.leastFactor ?? LEAST_FACTOR);
      const quota = Math.max(cost, Math.floor(earned * factor));
      const limit = quota === policy.points ? policy : { ...policy, points: quota };
      return soon(limiter.consume(limit, key, cost), (decision) => {
        const outcome = outcomeOf(decision, { quota, earned, reputation });
        if (outcome === 'exceeded' || outcome === 'abnormal') reputations.violated(policy.name, key);
        if (outcome === 'allowed' && decision.used === cost) reputations.behaved(policy.name, key);
        return {
          outcome,
          policy: policy.name,
          quota,
          remaining: decision.remaining,
          windowSeconds: policy.windowSeconds,
          resetSeconds: waitOf(outcome, decision.resetSeconds, random),
          isLocal: decision.isLocal,
        };
      });
    },
  };
}

function outcomeOf(
  { allowed, used }: Decision,
  { quota, earned, reputation }: { quota: number; earned: number; reputation: number },
): Outcome {
  if (allowed) return 'allowed';
  if (quota < earned && used <= earned) return 'shed';
  return reputation < ABNORMAL_BELOW ? 'abnormal' : 'exceeded';
}

function waitOf(outcome: Outcome, resetSeconds: number, random: () => number): number {
  if (outcome === 'allowed') return resetSeconds;
  if (outcome === 'shed') return Math.ceil(SHED_SECONDS * (1 + SHED_JITTER * random()));
  return Math.ceil(resetSeconds * (1 + JITTER * random()));
}
