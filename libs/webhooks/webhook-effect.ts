import { defineEntity, p } from '@mikro-orm/core';

/** That a handler has done its work for an event (table webhook_effect): its second run finds this and does nothing. */
export const WebhookEffectEntity = defineEntity({
  name: 'WebhookEffect',
  tableName: 'webhook_effect',
  properties: {
    eventId: p.uuid().primary(),
    handler: p.text().primary(),
    replay: p.integer().primary(),
    appliedAt: p.datetime().defaultRaw('clock_timestamp()'),
  },
  indexes: [{ name: 'webhook_effect_by_time', properties: ['appliedAt'] }],
});
