/** How callers have behaved: 1 for those nobody knows. */
export interface Reputations {
  /** 0.2 to 1.5. */
  of(key: string): number;
  /** A limit was hit. Several in ten seconds are one. */
  violated(key: string): void;
  /** A window was begun; a caller who has kept to the limits for long earns a little more. */
  behaved(key: string): void;
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

/** Kept in this process only, for so many callers; who was heard of longest ago is forgotten first. */
export function openReputations({
  maxKeys = DEFAULT_MAX_KEYS,
  now = () => performance.now(),
}: { maxKeys?: number; now?: () => number } = {}): Reputations {
  const standings = new Map<string, Standing>();

  function scoreOf(key: string): number {
    const standing = standings.get(key);
    if (standing === undefined || standing.score === 1) return 1;
    return 1 + (standing.score - 1) * 0.5 ** ((now() - standing.atMs) / HALF_LIFE_MS);
  }

  function keep(key: string, score: number, violatedAtMs: number): void {
    standings.delete(key);
    standings.set(key, { score, atMs: now(), violatedAtMs });
    if (standings.size <= maxKeys) return;
    const [oldest] = standings.keys();
    standings.delete(oldest as string);
  }

  return {
    of: scoreOf,
    violated(key) {
      const before = standings.get(key)?.violatedAtMs ?? Number.NEGATIVE_INFINITY;
      if (now() - before < PAUSE_MS) return;
      keep(key, Math.max(LEAST_REPUTATION, scoreOf(key) * PENALTY), now());
    },
    behaved(key) {
      const score = scoreOf(key);
      if (score < 1) return;
      if (!standings.has(key)) {
        keep(key, 1, Number.NEGATIVE_INFINITY);
        return;
      }
      keep(key, Math.min(BEST_REPUTATION, score + CREDIT), Number.NEGATIVE_INFINITY);
    },
  };
}
