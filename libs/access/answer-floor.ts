/** How many of the last checks of each kind count. */
const REMEMBERED = 32;
/** Of them; the slowest tell of a busy moment, and must not make everybody wait. */
const QUANTILE = 0.75;
/** Checks vary: above it lie few. */
const HEADROOM = 1.25;
/** Well below the deadline of a sign-in. */
const MAX_MS = 2_000;

/** Whether a hash was made with the parameters in force or with others, as imported ones are. */
export type HashKind = 'own' | 'foreign';

export interface AnswerFloor {
  /** How long a check of that kind took, in milliseconds. */
  note(kind: HashKind, tookMs: number): void;
  /** The least time from the begin of a check to its answer; 0 as long as no foreign hash was seen. */
  readonly ms: number;
}

/**
 * How long every check must last so that its time does not tell which accounts were imported: an unknown account is checked
 * against a hash of our own. Learnt from checks, so that it fits the machine.
 */
export function openAnswerFloor(): AnswerFloor {
  const recent: Record<HashKind, number[]> = { own: [], foreign: [] };
  return {
    note(kind, tookMs) {
      recent[kind].push(tookMs);
      if (recent[kind].length > REMEMBERED) recent[kind].shift();
    },
    get ms() {
      if (recent.foreign.length === 0) return 0;
      return Math.min(MAX_MS, HEADROOM * Math.max(quantileOf(recent.foreign), quantileOf(recent.own)));
    },
  };
}

function quantileOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * QUANTILE)] ?? 0;
}
