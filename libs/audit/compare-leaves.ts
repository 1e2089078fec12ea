import type { Leaf } from '#audit/seal.ts';

/** A row as it is now. */
export type RowLeaf = Leaf;

export interface Comparison {
  compared: number;
  pruned: number;
  /** `at`: the index among the leaves. */
  fault: { kind: 'altered' | 'missing' | 'inserted' | 'reordered'; at: number; id: string } | undefined;
}

/**
 * Compares what was sealed with the rows in the same stretch of the order. Rows with an id below `prunedBefore` may be
 * missing.
 */
export function compareLeaves(
  leaves: readonly Leaf[],
  rows: readonly RowLeaf[],
  prunedBefore: string | undefined,
): Comparison {
  let pruned = 0;
  let compared = 0;
  const found = (kind: 'altered' | 'missing' | 'inserted' | 'reordered', at: number, id: string): Comparison => ({
    compared,
    pruned,
    fault: { kind, at, id },
  });
  let next = 0;
  for (const [at, leaf] of leaves.entries()) {
    const row = rows[next];
    if (row?.id === leaf.id) {
      if (!row.hash.equals(leaf.hash)) return found('altered', at, leaf.id);
      next += 1;
      compared += 1;
    } else if (prunedBefore !== undefined && leaf.id < prunedBefore) {
      pruned += 1;
    } else if (row !== undefined && !leaves.some(({ id }) => id === row.id)) {
      return found('inserted', at, row.id);
    } else if (rows.some(({ id }) => id === leaf.id)) {
      return found('reordered', at, leaf.id);
    } else {
      return found('missing', at, leaf.id);
    }
  }
  const extra = rows[next];
  return extra === undefined ? { compared, pruned, fault: undefined } : found('inserted', leaves.length, extra.id);
}
