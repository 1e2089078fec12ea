/** How callers have behaved: 1 for those nobody knows. */
export interface Reputations {
  /** 0.2 to 1.5. */
  of(policy: string, key: string): number;
  /** A limit was hit. Several in ten seconds are one. */
  violated(policy: string, key: string): void;
  /** A window was begun; a caller who has kept to the limits for long earns a little more. */
  behaved(policy: string, key: string): void;
}

export const LEAST_REPUTATION = 0.2;
export const BEST_REPUTATION = 1.5;
const PENALTY = 0.8;
const CREDIT = 0.02;
/** Half of what makes a caller special is forgotten after this. */
const HALF_LIFE_MS = 600_000;
const PAUSE_MS = 10_000;
const DEFAULT_MAX_KEYS = 10_000;

interface Standing {
  score: number;
  atMs: number;
  violatedAtMs: number;
}

/** Kept in this process only, for so many callers of a policy; who was heard of longest ago is forgotten first. */
export function openReputations({
  maxKeys = DEFAULT_MAX_KEYS,
  now = () => performance.now(),
}: { maxKeys?: number; now?: () => number } = {}): Reputations {
  const policies = new Map<string, Map<string, Standing>>();

  function scoreOf(policy: string, key: string): number {
    const standing = policies.get(policy)?.get(key);
    if (standing === undefined || standing.score === 1) return 1;
    return 1 + (standing.score - 1) * 0.5 ** ((now() - standing.atMs) / HALF_LIFE_MS);
  }

  function keep(policy: string, key: string, standing: Standing): void {
    let standings = policies.get(policy);
    if (standings === undefined) {
      standings = new Map();
      policies.set(policy, standings);
    }
    standings.delete(key);
    standings.set(key, standing);
    if (standings.size <= maxKeys) return;
    const [oldest] = standings.keys();
    standings.delete(oldest as string);
  }

  return {
    of: scoreOf,
    violated(policy, key) {
      const before = policies.get(policy)?.get(key)?.violatedAtMs ?? Number.NEGATIVE_INFINITY;
      const atMs = now();
      if (atMs - before < PAUSE_MS) return;
      const score = Math.max(LEAST_REPUTATION, scoreOf(policy, key) * PENALTY);
      keep(policy, key, { score, atMs, violatedAtMs: atMs });
    },
    behaved(policy, key) {
      const score = scoreOf(policy, key);
      if (score < 1) return;
      const isKnown = policies.get(policy)?.has(key) === true;
      const next = isKnown ? Math.min(BEST_REPUTATION, score + CREDIT) : 1;
      keep(policy, key, { score: next, atMs: now(), violatedAtMs: Number.NEGATIVE_INFINITY });
    },
  };
}
