import { inTransaction, type Pool } from '#database/pool.ts';
import { CANONICAL, IN_CHAIN_ORDER } from '#audit/canonical.ts';
import type { RowLeaf } from '#audit/compare-leaves.ts';
import { leafHash } from '#audit/merkle.ts';
import { unpackLeaves, type Leaf, type Seal } from '#audit/seal.ts';

export interface SealRow extends Seal {
  era: number;
  transaction: string;
  leaves: Buffer;
}

const EVENTS_PER_PAGE = 8_192;
const SEALS_PER_PAGE = 64;

const SEALS = `
  select number, first_position as "firstPosition", event_count as "eventCount", era, last_transaction as transaction,
    leaves, root, previous_hash as "previousHash", hash, sealed_at as "sealedAt"
  from (
    select *, sum(event_count) over (order by number) - event_count as before from audit_seal
    where number > $1 order by number limit ${SEALS_PER_PAGE}
  ) as page
  where before < ${EVENTS_PER_PAGE}
  order by number`;

const ROWS = `
  select e.id, ${CANONICAL} as text
  from security_event e
  where (e.era, e.transaction_id, e.id) > ($1::int, $2::xid8, $3::uuid)
    and (e.era, e.transaction_id, e.id) <= ($4::int, $5::xid8, $6::uuid)
  order by e.era, e.transaction_id, e.id`;

/** Whoever adds a row may say of when it is; nothing that is settled can be of the future. */
const MISDATED = `
  select e.id from security_event e
  where e.era > (select era from audit_policy)
    or (e.era = (select era from audit_policy) and e.transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
  order by e.era desc, e.transaction_id desc limit 1`;

/** The newest word of the retention about what it has dropped, unless rows of that time are there: then it is not true. */
const PRUNED = `
  select security_event_first_id(to_date(details->>'before', 'YYYY-MM')) as "firstId"
  from security_event e
  where type = 'audit.pruned' and details->>'before' ~ '^[0-9]{4}-[0-9]{2}$'
    and coalesce((select o.id from security_event o order by o.id limit 1)
      >= security_event_first_id(to_date(e.details->>'before', 'YYYY-MM')), true)
  order by details->>'before' desc limit 1`;

interface Key {
  era: number;
  transaction: string;
  id: string;
}

/** Before the first row. */
export const FIRST_KEY: Key = { era: 0, transaction: '0', id: '00000000-0000-0000-0000-000000000000' };

/** Some seals, what they seal, and the rows that are there now; no rows where they are not to be compared. */
export interface Page {
  seals: readonly SealRow[];
  leaves: readonly Leaf[];
  rows: readonly RowLeaf[] | undefined;
  end: Key;
}

/** The next seals after one, with rows from seal `fromSeal` on. */
export async function readPage(pool: Pool, after: number, begin: Key, fromSeal: number): Promise<Page> {
  const { rows: seals } = await pool.query<SealRow>({ name: 'audit-seals', text: SEALS, values: [after] });
  const newest = seals.at(-1);
  if (newest === undefined) return { seals, leaves: [], rows: undefined, end: begin };
  const leaves = seals.flatMap((seal) => unpackLeaves(seal.leaves));
  const end = { era: newest.era, transaction: newest.transaction, id: leaves.at(-1)?.id ?? begin.id };
  if (newest.number < fromSeal) return { seals, leaves, rows: undefined, end };
  const { rows } = await inTransaction(pool, async (client) => {
    await client.query(`set transaction read only; ${IN_CHAIN_ORDER}`);
    return client.query<{ id: string; text: string }>({
      name: 'audit-rows',
      text: ROWS,
      values: [begin.era, begin.transaction, begin.id, end.era, end.transaction, end.id],
    });
  });
  return { seals, leaves, rows: rows.map(({ id, text }) => ({ id, hash: leafHash(text) })), end };
}

/** The id that the first row may have after what the retention dropped; undefined where it dropped nothing. */
export async function firstKeptId(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ firstId: string }>(PRUNED);
  return rows[0]?.firstId;
}

/** A row that claims to be of the future, if there is one. */
export async function misdatedId(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(MISDATED);
  return rows[0]?.id;
}
