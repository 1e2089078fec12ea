import { defineEntity, p } from '@mikro-orm/core';

/** One webhook request, kept: the receipt (table webhook_log). While `state` is open it is also the outbox entry. */
export const WebhookLogEntity = defineEntity({
  name: 'WebhookLog',
  tableName: 'webhook_log',
  properties: {
    id: p.uuid().primary(),
    source: p.text(),
    provider: p.text(),
    verdict: p.text(),
    state: p.text(),
    /** SHA-256 of the signed id or of the body; unique per source. Null where copies need no recognising. */
    dedupeKey: p.blob().nullable(),
    secretLabel: p.text().nullable(),
    /** An id from an unsigned header, for search only. */
    textId: p.text().nullable(),
    sha256: p.blob().nullable(),
    sizeBytes: p.integer(),
    clientAddress: p.text(),
    headers: p.json(),
    body: p.blob().nullable(),
    correlationId: p.text(),
    receivedAt: p.datetime(),
    verifyUs: p.integer(),
    batchWaitUs: p.integer(),
    storedAt: p.datetime().defaultRaw('clock_timestamp()'),
    duplicates: p.integer().default(0),
    lastDuplicateAt: p.datetime().nullable(),
    attempts: p.integer().default(0),
    checks: p.integer().default(0),
    nextCheckAt: p.datetime().nullable(),
    lastError: p.text().nullable(),
    closedAt: p.datetime().nullable(),
    /** W3C Trace Context of the request; null where no traces are made. */
    traceparent: p.text().nullable(),
  },
  checks: [{ name: 'webhook_log_state_check', expression: "state in ('open', 'done', 'dead')" }],
  uniques: [
    {
      name: 'webhook_log_copy',
      expression:
        'create unique index webhook_log_copy on webhook_log (source, dedupe_key) where dedupe_key is not null',
    },
  ],
  indexes: [
    {
      name: 'webhook_log_due',
      expression: "create index webhook_log_due on webhook_log (next_check_at) where state = 'open'",
    },
    { name: 'webhook_log_recent', properties: ['receivedAt', 'id'] },
    {
      name: 'webhook_log_dead',
      expression: "create index webhook_log_dead on webhook_log (received_at) where state = 'dead'",
    },
    { name: 'webhook_log_by_source', properties: ['source', 'receivedAt', 'id'] },
    {
      name: 'webhook_log_unaccepted',
      expression: "create index webhook_log_unaccepted on webhook_log (received_at, id) where verdict <> 'accepted'",
    },
    {
      name: 'webhook_log_by_verdict',
      expression:
        "create index webhook_log_by_verdict on webhook_log (verdict, received_at, id) where verdict <> 'accepted'",
    },
    {
      name: 'webhook_log_by_text_id',
      expression: 'create index webhook_log_by_text_id on webhook_log (text_id) where text_id is not null',
    },
  ],
});
