import type { RedisCommands } from '#limits/counter-batches.ts';
import { Leases } from '#limits/leases.ts';
import { LocalCounters, type LocalCountersOptions, type Usage } from '#limits/local-counters.ts';
import { openReach } from '#limits/reach.ts';
import type { Soon } from '#runtime/soon.ts';

/** So many points in a window, counted per key. */
export interface Policy {
  /** Part of the key, so that policies never share a counter; shown to callers. */
  name: string;
  points: number;
  windowSeconds: number;
  /** Counted one by one; while Redis is away each process gives out its share only. As where passwords are tried. */
  isStrict?: boolean;
}

export interface Decision {
  allowed: boolean;
  /** Points of this window, this request's included. */
  used: number;
  remaining: number;
  /** Seconds until the window of this key ends; rounded up. */
  resetSeconds: number;
  /** Whether this process decided alone. */
  isLocal: boolean;
  /** The end of the window on this process's monotonic clock. */
  endsAtMs: number;
}

export interface Limiter {
  /** Takes `cost` points of `key`; a refused key stays refused until its window ends. */
  consume(policy: Policy, key: string, cost?: number): Soon<Decision>;
  /** The state of `key`, without taking anything. */
  peek(policy: Policy, key: string): Promise<Decision>;
  /** Gives back the points that `decision` took; into a later window they are never given. */
  refund(policy: Policy, key: string, decision: Decision, cost?: number): Promise<void>;
  /** Refuses `key` for so long. */
  block(policy: Policy, key: string, seconds: number): Promise<void>;
}

export interface LimiterOptions {
  /** An ioredis client that neither queues nor repeats commands; counters live in the process without it. */
  redis?: RedisCommands | undefined;
  /** What Redis may know of a key. */
  hide?: (key: string) => string;
  /** How many processes share Redis: what one gives out of a strict policy while Redis is away is divided by it. */
  processes?: number;
  /** How long Redis may take before this process decides by itself. */
  deadlineMs?: number;
  /** Told when Redis is lost and when it is back. */
  onAway?: (isAway: boolean, error?: unknown) => void;
  counters?: LocalCountersOptions;
}

/** With Redis frozen, the first decisions take as long as this; later ones do not wait. */
const REDIS_DEADLINE_MS = 30;
/** For so long a refused key costs Redis nothing more. */
const REFUSAL_MS = 1_000;
const MAX_REFUSALS = 10_000;
/** A window that ends sooner than this is given nothing back, because Redis may have begun the next. */
const LAST_REFUND_MS = 50;
export const NOTHING: Usage = { used: 0, remainingMs: 0 };

/**
 * Counts per policy and key, in Redis where there is one; of large quotas a few points are taken at a time. When Redis does not answer in time this process decides by its
 * own counters until Redis answers again. What was refused meanwhile stays refused by this process until its window ends.
 */
export function openLimiter(options: LimiterOptions = {}): Limiter & Disposable {
  const { redis, hide = (key: string) => key, processes = 1, onAway = () => undefined } = options;
  const { deadlineMs = REDIS_DEADLINE_MS } = options;
  const now = options.counters?.now ?? (() => performance.now());
  const shared = redis === undefined ? undefined : openReach(redis, { deadlineMs, hide, onAway });
  const own = new LocalCounters(options.counters);
  const leasesByName = new Map<string, Leases>();
  const refusals = new Map<string, { used: number; endsAtMs: number; askAgainAtMs: number }>();
  /** What this process gives out by itself. */
  function ownPart(policy: Policy): Policy {
    if (shared === undefined || policy.isStrict !== true) return policy;
    return { ...policy, points: Math.ceil(policy.points / Math.max(2, processes)) };
  }

  function rememberRefusal(policy: Policy, key: string, { used, remainingMs }: Usage): void {
    if (refusals.size >= MAX_REFUSALS) refusals.clear();
    const atMs = now();
    const askAgainAtMs = atMs + Math.min(REFUSAL_MS, remainingMs);
    refusals.set(`${policy.name}:${key}`, { used, endsAtMs: atMs + remainingMs, askAgainAtMs });
  }

  function knownRefusal(policy: Policy, key: string, atMs: number): Decision | undefined {
    if (shared === undefined) return undefined;
    // Mostly there is none, and making its name is dearer than all the rest.
    const refusal = refusals.size === 0 ? undefined : refusals.get(`${policy.name}:${key}`);
    if (refusal !== undefined && refusal.askAgainAtMs > atMs && refusal.used > policy.points) {
      return decisionOf(policy, { used: refusal.used, remainingMs: refusal.endsAtMs - atMs }, shared.isAway, atMs);
    }
    const alone = own.get(policy.name, key, atMs);
    return alone !== undefined && alone.used > ownPart(policy).points
      ? decisionOf(ownPart(policy), alone, true, atMs)
      : undefined;
  }

  /** From what was taken before, or from the shared counter; undefined if that is away. */
  function take(policy: Policy, key: string, cost: number, atMs: number): Soon<Usage | undefined> {
    if (shared === undefined) return undefined;
    const { name, windowSeconds, points } = policy;
    if (policy.isStrict === true) return shared.ask((counters) => counters.add(name, key, cost, windowSeconds));
    const leases = leasesOf(name);
    return leases.spend(key, cost, points, atMs) ?? takeLease(leases, policy, { key, cost });
  }

  function leasesOf(name: string): Leases {
    const known = leasesByName.get(name);
    if (known !== undefined) return known;
    const leases = new Leases();
    leasesByName.set(name, leases);
    return leases;
  }

  async function takeLease(
    leases: Leases,
    { name, windowSeconds, points }: Policy,
    { key, cost }: { key: string; cost: number },
  ): Promise<Usage | undefined> {
    const taking = leases.ask(key, cost, points, now());
    const usage = await shared?.ask((counters) => counters.add(name, key, taking.size, windowSeconds));
    if (usage === undefined) {
      leases.drop(key, taking);
      return undefined;
    }
    const { used: total, remainingMs } = usage;
    return { used: leases.keep(key, { ...taking, cost }, { total, remainingMs, nowMs: now() }), remainingMs };
  }

  /** `usage`: of the shared counter; undefined where this process decides by itself. */
  function decide(
    policy: Policy,
    key: string,
    { cost, usage, atMs }: { cost: number; usage: Usage | undefined; atMs: number },
  ): Decision {
    if (usage === undefined) {
      return decisionOf(ownPart(policy), own.add(policy.name, key, cost, policy.windowSeconds, atMs), true, atMs);
    }
    if (usage.used > policy.points) rememberRefusal(policy, key, usage);
    return decisionOf(policy, usage, false, atMs);
  }

  return {
    consume(policy, key, cost = 1) {
      const atMs = now();
      const refusal = knownRefusal(policy, key, atMs);
      if (refusal !== undefined) return refusal;
      const taken = take(policy, key, cost, atMs);
      return taken instanceof Promise
        ? taken.then((usage) => decide(policy, key, { cost, usage, atMs: now() }))
        : decide(policy, key, { cost, usage: taken, atMs });
    },
    async peek(policy, key) {
      const refusal = knownRefusal(policy, key, now());
      if (refusal !== undefined) return refusal;
      const { name, windowSeconds } = policy;
      const usage = await shared?.ask(async (counters) => (await counters.get(name, key, windowSeconds)) ?? NOTHING);
      if (usage === undefined) return stateOf(ownPart(policy), own.get(name, key) ?? NOTHING, true, now());
      return stateOf(policy, usage, false, now());
    },
    async refund({ name, windowSeconds }, key, { isLocal, endsAtMs }, cost = 1) {
      if (endsAtMs - now() < LAST_REFUND_MS) return;
      refusals.delete(`${name}:${key}`);
      if (isLocal) own.remove(name, key, cost);
      else await shared?.ask((counters) => counters.remove(name, key, cost, windowSeconds));
    },
    async block(policy, key, seconds) {
      const usage = { used: policy.points + 1, remainingMs: seconds * 1_000 };
      own.set(policy.name, key, usage);
      await shared?.ask((counters) => counters.set(policy.name, key, usage.used, seconds));
    },
    [Symbol.dispose]() {
      shared?.[Symbol.dispose]();
    },
  };
}

/** What usage of a key means under a policy. */
export function decisionOf({ points }: Policy, { used, remainingMs }: Usage, isLocal: boolean, now: number): Decision {
  return {
    allowed: used <= points,
    used,
    remaining: Math.max(0, points - used),
    resetSeconds: Math.max(1, Math.ceil(remainingMs / 1_000)),
    isLocal,
    endsAtMs: now + remainingMs,
  };
}

/** The same, `allowed` being whether one more point could be taken. */
export function stateOf(policy: Policy, usage: Usage, isLocal: boolean, now: number): Decision {
  const decision = decisionOf(policy, usage, isLocal, now);
  return { ...decision, allowed: decision.remaining > 0 };
}
