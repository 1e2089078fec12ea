import { defineEntity, p } from '@mikro-orm/core';

/** How far an outgoing message has come (table message_status). Its rank never falls. */
export const MessageStatusEntity = defineEntity({
  name: 'MessageStatus',
  tableName: 'message_status',
  properties: {
    source: p.text().primary(),
    messageId: p.text().primary(),
    status: p.text(),
    rank: p.smallint(),
    occurredAt: p.datetime().nullable(),
    eventId: p.uuid(),
    changedAt: p.datetime().defaultRaw('clock_timestamp()'),
  },
  indexes: [{ name: 'message_status_by_time', properties: ['source', 'changedAt'] }],
});
