import { databaseFailure, type Pool } from '#database/pool.ts';
import { cursorStates, type CursorState } from '#audit/follow.ts';
import { trailState, type TrailState } from '#audit/trail-state.ts';
import { verifications, type Verification } from '#audit/verification.ts';

export interface ListedSeal {
  number: number;
  firstPosition: number;
  count: number;
  root: string;
  previousHash: string;
  hash: string;
  sealedAt: Date;
}

export interface ChainView extends TrailState {
  /** What the last walks along the chain found. */
  verifications: Verification[];
  /** How far alerts, context and receivers have read. */
  cursors: CursorState[];
  items: ListedSeal[];
  /** The number of a seal; undefined on the last page. */
  nextCursor: string | undefined;
}

const SEALS = `
  select number, first_position as "firstPosition", event_count as count, encode(root, 'hex') as root,
    encode(previous_hash, 'hex') as "previousHash", encode(hash, 'hex') as hash, sealed_at as "sealedAt"
  from audit_seal where number < coalesce($1::bigint, 9223372036854775807) order by number desc limit $2`;

/** The state of the chain and its newest seals. @throws Failure `database-unavailable`. */
export async function showChain(
  pool: Pool,
  { limit, cursor }: { limit: number; cursor?: number | undefined },
): Promise<ChainView> {
  try {
    const [state, verdicts, cursors, { rows }] = await Promise.all([
      trailState(pool),
      verifications(pool),
      cursorStates(pool),
      pool.query<ListedSeal>(SEALS, [cursor ?? null, limit + 1]),
    ]);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      ...state,
      verifications: verdicts,
      cursors,
      items,
      nextCursor: rows.length > limit && last !== undefined ? String(last.number) : undefined,
    };
  } catch (error) {
    throw databaseFailure(error);
  }
}
