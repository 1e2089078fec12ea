import { defineEntity, p } from '@mikro-orm/core';
import type { Pool, Queryable } from '#database/pool.ts';
import { verifyChain, type ChainFault, type ChainVerdict } from '#audit/verify-chain.ts';

/** What the last walks along the chain found (table audit_verification). */
export const AuditVerificationEntity = defineEntity({
  name: 'AuditVerification',
  tableName: 'audit_verification',
  properties: {
    /** `recent` or `whole`. */
    name: p.text().primary(),
    checkedAt: p.datetime(),
    throughSeal: p.bigint(),
    throughHash: p.text().nullable(),
    events: p.bigint(),
    fault: p.json().nullable(),
  },
});

export interface Verification {
  name: 'recent' | 'whole';
  checkedAt: Date;
  throughSeal: number;
  events: number;
  fault: ChainFault | null;
}

/** Between two walks along the whole chain only the newest seals are compared with their rows. */
const WHOLE_HOURS = 24;
const RECENT_SEALS = 500;

const KEEP = `
  insert into audit_verification (name, checked_at, through_seal, through_hash, events, fault)
  values ($1, now(), $2, $3, $4, $5)
  on conflict (name) do update set checked_at = excluded.checked_at, through_seal = excluded.through_seal,
    through_hash = excluded.through_hash, events = excluded.events, fault = excluded.fault`;

const NEEDS = `
  select not exists (
      select from audit_verification where name = 'whole' and checked_at > now() - make_interval(hours => ${WHOLE_HOURS})
    ) as whole,
    greatest(1, (select coalesce(max(number), 0) from audit_seal) - ${RECENT_SEALS}) as "fromSeal"`;

/** Compares the newest seals with their rows, or once a day all of them, and keeps what was found. */
export async function verifyRegularly(pool: Pool, signal: AbortSignal): Promise<ChainVerdict> {
  const { rows } = await pool.query<{ whole: boolean; fromSeal: number }>(NEEDS);
  const { whole = true, fromSeal = 1 } = rows[0] ?? {};
  const anchor = await lastHead(pool);
  const verdict = await verifyChain(pool, { anchor, fromSeal: whole ? 1 : fromSeal, signal });
  await keepVerdict(pool, whole ? 'whole' : 'recent', verdict);
  return verdict;
}

async function keepVerdict(client: Queryable, name: Verification['name'], verdict: ChainVerdict): Promise<void> {
  const { head, events, fault } = verdict;
  const found = fault === undefined ? null : JSON.stringify(fault);
  await client.query(KEEP, [name, head?.number ?? 0, head?.hash ?? null, events, found]);
}

/** A seal that an earlier walk has seen must still be there, as it was. */
async function lastHead(client: Queryable): Promise<{ number: number; hash: string } | undefined> {
  const { rows } = await client.query<{ number: number; hash: string }>(`
    select through_seal as number, through_hash as hash from audit_verification
    where through_hash is not null and fault is null order by through_seal desc limit 1`);
  return rows[0];
}

export async function verifications(client: Queryable): Promise<Verification[]> {
  const { rows } = await client.query<Verification>(`
    select name, checked_at as "checkedAt", through_seal as "throughSeal", events, fault
    from audit_verification order by checked_at desc`);
  return rows;
}
