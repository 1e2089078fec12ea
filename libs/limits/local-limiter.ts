import { decisionOf, NOTHING, stateOf, type Decision, type Policy } from '#limits/limiter.ts';
import { LocalCounters, type LocalCountersOptions } from '#limits/local-counters.ts';

/** A limiter of this process alone: it never waits. */
export interface LocalLimiter {
  consume(policy: Policy, key: string, cost?: number): Decision;
  peek(policy: Policy, key: string): Decision;
}

export function openLocalLimiter(options: LocalCountersOptions = {}): LocalLimiter {
  const { now = () => performance.now() } = options;
  const counters = new LocalCounters({ ...options, now });
  return {
    consume: (policy, key, cost = 1) =>
      decisionOf(policy, counters.add(policy.name, key, cost, policy.windowSeconds), true, now()),
    peek: (policy, key) => stateOf(policy, counters.get(policy.name, key) ?? NOTHING, true, now()),
  };
}
