/** How long the server repeats an answer that was lost, unless it was told otherwise. */
const GRACE_MS = 30_000;
/** A repeat may take its time on the way there and has to arrive within the grace, or it is taken for a replay. */
const REPEAT_UNTIL_MS = 12_000;

/** Says that a token is presented now. @returns whether it may be presented once more, when asked later */
export type RefreshGrace = (token: string | undefined) => () => boolean;

/**
 * Since when the server may have exchanged a token is when it was presented first, which is earlier than now where the last
 * answers failed: the grace ends no earlier than it would end from there.
 */
export function openRefreshGrace(now: () => number): RefreshGrace {
  let first: string | undefined;
  let firstMs = 0;
  return (token) => {
    if (first !== token || now() - firstMs > GRACE_MS) {
      first = token;
      firstMs = now();
    }
    const sinceMs = firstMs;
    return () => now() - sinceMs < REPEAT_UNTIL_MS;
  };
}
