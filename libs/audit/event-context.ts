import { defineEntity, p } from '@mikro-orm/core';

/** What is found out about an event after it was written; no seal covers it (table audit_context). */
export const EventContextEntity = defineEntity({
  name: 'EventContext',
  tableName: 'audit_context',
  properties: {
    eventId: p.uuid().primary(),
    /** Such as `Firefox on Linux`. */
    device: p.text().nullable(),
    /** The wider network of the address: /24 or /48. */
    network: p.text().nullable(),
  },
});
