import { defineEntity, p } from '@mikro-orm/core';

/** One security-relevant act or refusal, append-only (table security_event, one partition a month of its ids). */
export const SecurityEventEntity = defineEntity({
  name: 'SecurityEvent',
  tableName: 'security_event',
  properties: {
    id: p.uuid().primary(),
    type: p.text(),
    severity: p.text(),
    occurredAt: p.datetime(),
    recordedAt: p.datetime().defaultRaw('now()'),
    actorId: p.uuid().nullable(),
    actorKind: p.text(),
    targetKind: p.text().nullable(),
    targetId: p.text().nullable(),
    addressPrefix: p.text().nullable(),
    correlationId: p.text().nullable(),
    source: p.text().nullable(),
    count: p.integer().default(1),
    details: p.json(),
    era: p.integer().default(1),
    /** Of the transaction that wrote it: decides when it may be sealed. */
    transactionId: p.string().columnType('xid8').defaultRaw('pg_current_xact_id()'),
  },
  indexes: [
    { name: 'security_event_recent', properties: ['occurredAt', 'id'] },
    { name: 'security_event_by_type', properties: ['type', 'occurredAt'] },
    { name: 'security_event_by_actor', properties: ['actorId', 'occurredAt'] },
    { name: 'security_event_by_target', properties: ['targetId', 'occurredAt'] },
    { name: 'security_event_by_severity', properties: ['severity'] },
    { name: 'security_event_by_actor_kind', properties: ['actorKind'] },
    { name: 'security_event_by_target_kind', properties: ['targetKind'] },
    { name: 'security_event_by_address', properties: ['addressPrefix', 'occurredAt'] },
    {
      name: 'security_event_by_source',
      expression:
        'create index security_event_by_source on security_event (source, occurred_at) where source is not null',
    },
    {
      name: 'security_event_by_request',
      expression:
        'create index security_event_by_request on security_event (correlation_id) where correlation_id is not null',
    },
    { name: 'security_event_order', properties: ['era', 'transactionId', 'id'] },
  ],
});
