import { inTransaction, type Pool, type PoolClient } from '#database/pool.ts';
import { CANONICAL, IN_CHAIN_ORDER } from '#audit/canonical.ts';
import { leafHash, merkleRoot } from '#audit/merkle.ts';
import { GENESIS, packLeaves, sealHash, type Seal } from '#audit/seal.ts';

/** One lock for all who may seal or prune at once; the functions of the migration take the same. */
const SEALER_LOCK = 4_000_244;
const MAX_BATCH = 2_048;

/** Where the last seal ends, in the order in which events are sealed. */
interface End {
  number: number;
  nextPosition: number;
  era: number;
  transaction: string;
  id: string;
  hash: Buffer;
}

const BEGINNING: End = {
  number: 0,
  nextPosition: 1,
  era: 0,
  transaction: '0',
  id: '00000000-0000-0000-0000-000000000000',
  hash: GENESIS,
};

const LAST_SEAL = `
  select s.number, s.first_position + s.event_count as "nextPosition", s.era, s.last_transaction as transaction,
    encode(substr(s.leaves, length(s.leaves) - 47, 16), 'hex')::uuid as id, s.hash,
    s.era = p.era and s.last_transaction >= pg_snapshot_xmax(pg_current_snapshot()) as "isAhead"
  from audit_seal s, audit_policy p order by s.number desc limit 1`;

/**
 * Everything below the oldest transaction that is still running is settled: no event can come to stand between those that
 * are seen. Of an earlier era everything is.
 */
const SETTLED = `
  select e.id, e.era, e.transaction_id as transaction, ${CANONICAL} as text
  from security_event e
  where (e.era, e.transaction_id, e.id) > ($1::int, $2::xid8, $3::uuid)
    and (e.era < (select era from audit_policy) or e.transaction_id < pg_snapshot_xmin(pg_current_snapshot()))
  order by e.era, e.transaction_id, e.id
  limit $4`;

const INSERT = `
  insert into audit_seal (number, first_position, event_count, era, last_transaction, leaves, root, previous_hash, hash,
    sealed_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

export interface SealOptions {
  maxBatch?: number;
  now?: () => number;
}

/**
 * Seals the next batch of settled events, as the only sealer at a time; a crash at any line leaves the chain as it was.
 * @returns the seal, or undefined where there is nothing to seal or another sealer is at it.
 * @throws Error if the database was restored from a dump and not migrated since.
 */
export async function sealNextBatch(pool: Pool, options: SealOptions = {}): Promise<Seal | undefined> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
      SEALER_LOCK,
    ]);
    return rows[0]?.taken === true ? seal(client, options) : undefined;
  });
}

async function seal(client: PoolClient, { maxBatch = MAX_BATCH, now = Date.now }: SealOptions) {
  const end = await lastEnd(client);
  await client.query(IN_CHAIN_ORDER);
  const { rows } = await client.query<{ id: string; era: number; transaction: string; text: string }>({
    name: 'audit-settled',
    text: SETTLED,
    values: [end.era, end.transaction, end.id, maxBatch],
  });
  const last = rows.at(-1);
  if (last === undefined) return undefined;
  const leaves = rows.map(({ id, text }) => ({ id, hash: leafHash(text) }));
  const unsigned = {
    number: end.number + 1,
    firstPosition: end.nextPosition,
    eventCount: leaves.length,
    root: merkleRoot(leaves.map((leaf) => leaf.hash)),
    previousHash: end.hash,
    sealedAt: new Date(now()),
  };
  const made: Seal = { ...unsigned, hash: sealHash(unsigned) };
  await client.query(INSERT, [
    made.number,
    made.firstPosition,
    made.eventCount,
    last.era,
    last.transaction,
    packLeaves(leaves),
    made.root,
    made.previousHash,
    made.hash,
    made.sealedAt,
  ]);
  return made;
}

async function lastEnd(client: PoolClient): Promise<End> {
  const { rows } = await client.query<End & { isAhead: boolean }>(LAST_SEAL);
  const [end] = rows;
  if (end?.isAhead === true) {
    throw new Error(
      'the database was restored from a dump: run the migration, which begins a new era of the audit trail',
    );
  }
  return end ?? BEGINNING;
}

/** Seals until nothing settled is left. @returns the seals that were made. */
export async function sealAll(pool: Pool, signal: AbortSignal, options: SealOptions = {}): Promise<Seal[]> {
  const seals: Seal[] = [];
  while (!signal.aborted) {
    const made = await sealNextBatch(pool, options);
    if (made === undefined) break;
    seals.push(made);
    if (made.eventCount < (options.maxBatch ?? MAX_BATCH)) break;
  }
  return seals;
}
