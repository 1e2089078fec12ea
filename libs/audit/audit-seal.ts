import { defineEntity, p } from '@mikro-orm/core';

/** One link of the chain: a batch of security events in their order (table audit_seal, append-only). */
export const AuditSealEntity = defineEntity({
  name: 'AuditSeal',
  tableName: 'audit_seal',
  properties: {
    number: p.bigint().primary().autoincrement(false),
    /** Of its first event in the whole chain, from 1. */
    firstPosition: p.bigint(),
    eventCount: p.integer(),
    /** With `lastTransaction` and the last id of `leaves`: where the next seal begins. */
    era: p.integer(),
    lastTransaction: p.string().columnType('xid8'),
    /** For each event 16 bytes of its id and 32 of its hash. */
    leaves: p.blob(),
    root: p.blob(),
    previousHash: p.blob(),
    hash: p.blob(),
    sealedAt: p.datetime(),
  },
  uniques: [{ name: 'audit_seal_position', properties: ['firstPosition'] }],
  indexes: [{ name: 'audit_seal_by_time', properties: ['sealedAt'] }],
});
