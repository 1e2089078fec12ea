import { defineEntity, p } from '@mikro-orm/core';

/** What the last walk along the chain found (table audit_verification). */
export const AuditVerificationEntity = defineEntity({
  name: 'AuditVerification',
  tableName: 'audit_verification',
  properties: {
    name: p.text().primary(),
    checkedAt: p.datetime(),
    throughSeal: p.bigint(),
    events: p.bigint(),
    fault: p.json().nullable(),
  },
});
