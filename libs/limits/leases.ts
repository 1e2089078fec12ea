/** Points of one key that this process has taken from the shared counter and not given out yet. */
interface Lease {
  /** The counter as it stands with what was given out of this lease. */
  used: number;
  /** The counter with all of it. */
  end: number;
  endsAtMs: number;
}

export interface Taking {
  size: number;
  /** Whether it is more than the asking request costs, for those who follow. */
  isLease: boolean;
}

const MAX_LEASES = 10_000;
/** The part of what is left of a quota that is taken at once: little enough that it does not matter if it is never used. */
const SHARE = 0.02;

/**
 * For the keys of one policy: points are taken from the shared counter in advance, so that most requests need not ask for theirs: more than there are can
 * never be given out. Near the end of a quota, and where quotas are small, each request asks for its own.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>();
  readonly #asking = new Set<string>();

  /** Gives out points that are already here. @returns the counter after that, or undefined if it has to be asked. */
  spend(key: string, cost: number, points: number, nowMs: number): { used: number; remainingMs: number } | undefined {
    const lease = this.#leases.get(key);
    if (lease === undefined || lease.endsAtMs <= nowMs) return undefined;
    if (lease.used + cost > Math.min(lease.end, points)) return undefined;
    lease.used += cost;
    return { used: lease.used, remainingMs: lease.endsAtMs - nowMs };
  }

  /** How many points to ask the counter for; `keep` or `drop` has to follow. */
  ask(key: string, cost: number, points: number, nowMs: number): Taking {
    const lease = this.#leases.get(key);
    // Who comes while another asks takes for itself only, or as many leases as callers would be taken.
    if (lease === undefined || lease.endsAtMs <= nowMs || this.#asking.has(key)) {
      return { size: cost, isLease: false };
    }
    this.#asking.add(key);
    return { size: Math.max(cost, Math.floor((points - lease.end) * SHARE)), isLease: true };
  }

  /** Notes what was taken. @returns the counter with what the asking request costs. */
  keep(
    key: string,
    taken: Taking & { cost: number },
    { total, remainingMs, nowMs }: { total: number; remainingMs: number; nowMs: number },
  ): number {
    const used = total - taken.size + taken.cost;
    const lease = this.#leases.get(key);
    const isSpent = lease === undefined || lease.endsAtMs <= nowMs;
    if (taken.isLease) this.#asking.delete(key);
    if (taken.isLease || isSpent) {
      if (this.#leases.size >= MAX_LEASES) this.#leases.clear();
      this.#leases.set(key, { used, end: total, endsAtMs: nowMs + remainingMs });
    }
    return used;
  }

  drop(key: string, { isLease }: Taking): void {
    if (isLease) this.#asking.delete(key);
  }
}
