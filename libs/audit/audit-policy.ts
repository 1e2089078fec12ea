import { defineEntity, p } from '@mikro-orm/core';
import type { Queryable } from '#database/pool.ts';
import { integer } from '#runtime/config.ts';

/** What only the owner of the schema may change (table audit_policy, one row). */
export const AuditPolicyEntity = defineEntity({
  name: 'AuditPolicy',
  tableName: 'audit_policy',
  properties: {
    name: p.text().default('audit').primary(),
    /** Counts the clusters that this database has lived in: transaction ids are only ordered within one. */
    era: p.integer().default(1),
    /** Whole months that security events are kept; null: for ever. */
    keepMonths: p.integer().nullable(),
  },
});

export const auditPolicySettings = {
  /** Whole months that security events are kept once they are sealed; 0: for ever. */
  AUDIT_RETENTION_MONTHS: integer(0, 1_200).default(0),
};

/** Tables whose rows the application may add and read, but never change or remove. */
export const appendOnlyTables = ['security_event', 'audit_seal'] as const;

/** Tables that the application may only read. */
export const readOnlyTables = ['audit_policy'] as const;

/** After each migration, as the owner: what `resumeTrail` does, and how long events are kept. */
export async function applyAuditPolicy(owner: Queryable, keepMonths: number): Promise<void> {
  await resumeTrail(owner);
  await owner.query('update audit_policy set keep_months = $1', [keepMonths === 0 ? null : keepMonths]);
}

/** As the owner: opens the months ahead, and a new era where a dump was restored. */
export async function resumeTrail(owner: Queryable): Promise<void> {
  await owner.query('select security_event_open_months(2)');
  await owner.query('select audit_begin_era_if_restored()');
}
