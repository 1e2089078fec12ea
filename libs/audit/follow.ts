import { defineEntity, p } from '@mikro-orm/core';

/** How far something has read the sealed events (table audit_cursor). */
export const AuditCursorEntity = defineEntity({
  name: 'AuditCursor',
  tableName: 'audit_cursor',
  properties: {
    name: p.text().primary(),
    position: p.bigint().defaultRaw('0'),
    movedAt: p.datetime().defaultRaw('now()'),
    failures: p.integer().default(0),
    nextTryAt: p.datetime().defaultRaw('now()'),
    lastError: p.text().nullable(),
  },
});
