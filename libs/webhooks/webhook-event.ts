import { defineEntity, p } from '@mikro-orm/core';

/** One update inside a receipt, or something that happened here (table webhook_event), unique per source and event key. */
export const WebhookEventEntity = defineEntity({
  name: 'WebhookEvent',
  tableName: 'webhook_event',
  properties: {
    id: p.uuid().primary(),
    source: p.text(),
    eventKey: p.text(),
    /** Null for what happened here. */
    receiptId: p.uuid().nullable(),
    type: p.text(),
    occurredAt: p.datetime().nullable(),
    /** Whom it is about (phone, user id, customer), so that it can be found and erased. */
    subjects: p.array().columnType('text[]'),
    data: p.json(),
    raw: p.json(),
    state: p.text(),
    attempts: p.integer().default(0),
    /** How often it was handed to the handlers again on an operator's word. */
    replay: p.integer().default(0),
    nextCheckAt: p.datetime().nullable(),
    /** Until then one worker has it in hand. */
    leasedUntil: p.datetime().nullable(),
    lastError: p.text().nullable(),
    correlationId: p.text(),
    /** W3C Trace Context of the request that it came of; null where no traces are made. */
    traceparent: p.text().nullable(),
    createdAt: p.datetime().defaultRaw('clock_timestamp()'),
    closedAt: p.datetime().nullable(),
  },
  checks: [{ name: 'webhook_event_state_check', expression: "state in ('open', 'done', 'dead')" }],
  // The key first, so that an event is found without its source, too.
  uniques: [{ name: 'webhook_event_copy', properties: ['eventKey', 'source'] }],
  indexes: [
    { name: 'webhook_event_by_receipt', properties: ['receiptId'] },
    {
      name: 'webhook_event_due',
      expression: "create index webhook_event_due on webhook_event (next_check_at) where state = 'open'",
    },
    {
      name: 'webhook_event_by_subject',
      expression: 'create index webhook_event_by_subject on webhook_event using gin (subjects)',
    },
    {
      name: 'webhook_event_dead',
      expression: "create index webhook_event_dead on webhook_event (created_at) where state = 'dead'",
    },
    { name: 'webhook_event_recent', properties: ['source', 'createdAt', 'id'] },
  ],
});
