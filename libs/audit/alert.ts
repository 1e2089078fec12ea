import { defineEntity, p } from '@mikro-orm/core';

/** What somebody should look at, from when it was first seen until it is over (table audit_alert). */
export const AlertEntity = defineEntity({
  name: 'Alert',
  tableName: 'audit_alert',
  properties: {
    rule: p.text().primary(),
    subject: p.text().primary(),
    severity: p.text(),
    raisedAt: p.datetime(),
    seenAt: p.datetime(),
    clearedAt: p.datetime().nullable(),
    details: p.json(),
  },
});
