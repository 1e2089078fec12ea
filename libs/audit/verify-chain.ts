import { inTransaction, type Pool } from '#database/pool.ts';
import { CANONICAL, IN_CHAIN_ORDER } from '#audit/canonical.ts';
import { compareLeaves, type RowLeaf } from '#audit/compare-leaves.ts';
import { leafHash, merkleRoot } from '#audit/merkle.ts';
import { GENESIS, sealHash, unpackLeaves, type Leaf, type Seal } from '#audit/seal.ts';

/** What is wrong with the chain, at the first place where something is. */
export interface ChainFault {
  kind:
    | 'event-altered'
    | 'event-missing'
    | 'event-inserted'
    | 'event-reordered'
    | 'seal-altered'
    | 'seal-missing'
    | 'tail-cut-off'
    | 'chain-replaced';
  seal: number;
  /** In the whole chain, from 1; undefined for what has no place in it. */
  position?: number;
  /** Of the event. */
  id?: string;
}

export interface ChainVerdict {
  intact: boolean;
  fault: ChainFault | undefined;
  seals: number;
  /** Events whose hash was compared. */
  events: number;
  /** Events of dropped months: their hashes are in the chain, their rows are not there any more. */
  pruned: number;
  /** The newest seal: keep it elsewhere, because only with it a cut-off tail is found. */
  head: { number: number; hash: string } | undefined;
}

export interface VerifyOptions {
  /** A seal that was kept elsewhere: the chain must hold it. */
  anchor?: { number: number; hash: string } | undefined;
  /** The first seal whose events are compared; earlier seals are only followed. */
  fromSeal?: number;
  signal?: AbortSignal;
}

interface SealRow extends Seal {
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

const FIRST_KEY: Key = { era: 0, transaction: '0', id: '00000000-0000-0000-0000-000000000000' };

interface Page {
  seals: readonly SealRow[];
  leaves: readonly Leaf[];
  rows: readonly RowLeaf[] | undefined;
  end: Key;
}

/**
 * Walks the whole chain and stops at its first fault. Reads in large pages, the next while one is hashed, and keeps no
 * more than two of them.
 */
export async function verifyChain(pool: Pool, options: VerifyOptions = {}): Promise<ChainVerdict> {
  const prunedBefore = await firstKeptId(pool);
  const verdict = await walk(pool, prunedBefore, options);
  // A month may have been dropped meanwhile.
  const isStale = verdict.fault?.kind === 'event-missing' && (await firstKeptId(pool)) !== prunedBefore;
  return isStale ? verifyChain(pool, options) : verdict;
}

async function walk(
  pool: Pool,
  prunedBefore: string | undefined,
  { anchor, fromSeal = 1, signal }: VerifyOptions,
): Promise<ChainVerdict> {
  const verdict: ChainVerdict = { intact: true, fault: undefined, seals: 0, events: 0, pruned: 0, head: undefined };
  let last: Seal = BEFORE_FIRST;
  let isAnchored = anchor === undefined;

  let next = readPage(pool, 0, FIRST_KEY, fromSeal);
  for (;;) {
    signal?.throwIfAborted();
    const page = await next;
    const newest = page.seals.at(-1);
    if (newest === undefined) break;
    next = readPage(pool, newest.number, page.end, fromSeal);
    // A page that is not asked for any more must not end the process.
    next.catch(() => undefined);
    for (const seal of page.seals) {
      const fault = faultOfSeal(seal, last);
      if (fault !== undefined) return broken(verdict, fault);
      if (anchor !== undefined && seal.number === anchor.number) {
        if (seal.hash.toString('hex') !== anchor.hash) {
          return broken(verdict, { kind: 'chain-replaced', seal: seal.number });
        }
        isAnchored = true;
      }
      last = seal;
    }
    if (page.rows !== undefined) {
      const compared = compareLeaves(page.leaves, page.rows, prunedBefore);
      verdict.events += compared.compared;
      verdict.pruned += compared.pruned;
      if (compared.fault !== undefined) return broken(verdict, await placed(pool, compared.fault, page));
    }
    verdict.seals += page.seals.length;
    verdict.head = { number: newest.number, hash: newest.hash.toString('hex') };
  }
  if (!isAnchored) return broken(verdict, { kind: 'tail-cut-off', seal: last.number + 1 });
  const { rows } = await pool.query<{ id: string }>(MISDATED);
  const [misdated] = rows;
  if (misdated !== undefined) {
    return broken(verdict, { kind: 'event-inserted', seal: last.number + 1, id: misdated.id });
  }
  return verdict;
}

const BEFORE_FIRST: Seal = {
  number: 0,
  firstPosition: 1,
  eventCount: 0,
  root: GENESIS,
  previousHash: GENESIS,
  hash: GENESIS,
  sealedAt: new Date(0),
};

function broken(verdict: ChainVerdict, fault: ChainFault): ChainVerdict {
  return { ...verdict, intact: false, fault };
}

async function firstKeptId(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ firstId: string }>(PRUNED);
  return rows[0]?.firstId;
}

async function readPage(pool: Pool, after: number, begin: Key, fromSeal: number): Promise<Page> {
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

function faultOfSeal(seal: SealRow, last: Seal): ChainFault | undefined {
  if (seal.number !== last.number + 1) return { kind: 'seal-missing', seal: last.number + 1 };
  const leaves = unpackLeaves(seal.leaves);
  const isSound =
    seal.previousHash.equals(last.hash) &&
    seal.firstPosition === last.firstPosition + last.eventCount &&
    seal.eventCount === leaves.length &&
    seal.root.equals(merkleRoot(leaves.map((leaf) => leaf.hash))) &&
    seal.hash.equals(sealHash(seal));
  return isSound ? undefined : { kind: 'seal-altered', seal: seal.number };
}

/** Says which seal a fault is in, and whether a row that is missing here stands somewhere else. */
async function placed(
  pool: Pool,
  fault: { kind: 'altered' | 'missing' | 'inserted' | 'reordered'; at: number; id: string },
  { seals }: Page,
): Promise<ChainFault> {
  const position = (seals[0]?.firstPosition ?? 1) + fault.at;
  const seal = seals.findLast(({ firstPosition }) => firstPosition <= position)?.number ?? 0;
  let { kind } = fault;
  if (kind === 'missing') {
    const { rowCount } = await pool.query('select from security_event where id = $1', [fault.id]);
    if (rowCount === 1) kind = 'reordered';
  }
  return { kind: `event-${kind}`, seal, id: fault.id, ...(kind === 'inserted' ? {} : { position }) };
}
