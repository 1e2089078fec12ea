import { inTransaction, type Pool, type Queryable } from '#database/pool.ts';
import { IN_CHAIN_ORDER } from '#audit/canonical.ts';

export interface TrailState {
  /** Events under a seal, dropped ones included. */
  sealed: number;
  /** Events without one; counting stops at 10,000. */
  unsealed: number;
  /** Age of the oldest of them; 0 if there is none. */
  oldestUnsealedSeconds: number;
  /** The newest seal. */
  head: { number: number; hash: string; sealedAt: Date } | undefined;
}

const NEWEST_END = `
  select s.era, s.last_transaction, encode(substr(s.leaves, length(s.leaves) - 47, 16), 'hex')::uuid as id
  from audit_seal s order by s.number desc limit 1`;

/** The newest row is found by the index; one by one, all that have no seal would be looked for in vain. */
const DUE = `
  with newest as (
    select e.era, e.transaction_id, e.id from security_event e order by e.era desc, e.transaction_id desc, e.id desc limit 1
  ), sealed as (${NEWEST_END})
  select coalesce((select (n.era, n.transaction_id, n.id) > (s.era, s.last_transaction, s.id) from newest n, sealed s),
    exists (select from newest)) as due`;

/** Whether there are events without a seal. */
export async function isSealDue(client: Queryable): Promise<boolean> {
  const { rows } = await client.query<{ due: boolean }>({ name: 'audit-due', text: DUE });
  return rows[0]?.due === true;
}

const UNSEALED = `
  with rest as materialized (
    select e.recorded_at from security_event e
    where (e.era, e.transaction_id, e.id) > ($1::int, $2::xid8, $3::uuid)
    order by e.era, e.transaction_id, e.id limit 10000
  )
  select count(*) as unsealed,
    coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0)::float8 as "oldestUnsealedSeconds"
  from rest`;

const HEAD = `
  select number, hash, sealed_at as "sealedAt", first_position + event_count - 1 as sealed, era, last_transaction,
    encode(substr(leaves, length(leaves) - 47, 16), 'hex')::uuid as id
  from audit_seal order by number desc limit 1`;

interface HeadRow {
  number: number;
  hash: Buffer;
  sealedAt: Date;
  sealed: number;
  era: number;
  last_transaction: string;
  id: string;
}

/** How far the chain reaches and what it does not cover yet. */
export async function trailState(pool: Pool): Promise<TrailState> {
  return inTransaction(pool, async (client) => {
    await client.query(`set transaction read only; ${IN_CHAIN_ORDER}`);
    const [head] = (await client.query<HeadRow>(HEAD)).rows;
    const { rows } = await client.query<{ unsealed: number; oldestUnsealedSeconds: number }>(UNSEALED, [
      head?.era ?? 0,
      head?.last_transaction ?? '0',
      head?.id ?? '00000000-0000-0000-0000-000000000000',
    ]);
    return {
      sealed: head?.sealed ?? 0,
      unsealed: rows[0]?.unsealed ?? 0,
      oldestUnsealedSeconds: rows[0]?.oldestUnsealedSeconds ?? 0,
      head: head && { number: head.number, hash: head.hash.toString('hex'), sealedAt: head.sealedAt },
    };
  });
}

/** The newest seal, as it is kept elsewhere. */
export async function trailHead(client: Queryable): Promise<{ number: number; hash: string } | undefined> {
  const { rows } = await client.query<{ number: string; hash: string }>(
    "select number, encode(hash, 'hex') as hash from audit_seal order by number desc limit 1",
  );
  return rows[0] && { number: Number(rows[0].number), hash: rows[0].hash };
}
