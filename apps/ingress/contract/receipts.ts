import { z } from 'zod';
import { eventsQuery, ownEventQuery, receiptQuery, revealQuery } from '../receipt-fields.ts';
import { bulkReplayBody } from '../routes/replays.ts';
import type { OperationGroup } from './operation.ts';
import { count, id, json, nothing, pageOf, seconds, time } from './shapes.ts';

const state = z.enum(['open', 'done', 'dead']);

const receipt = z.object({
  id,
  source: z.string(),
  provider: z.string(),
  verdict: z.string().describe('`accepted`, `challenge`, `ping`, or `refused:` and why.'),
  state,
  secretLabel: z.string().nullable().describe('Which secret of the source the signature matched.'),
  textId: z.string().nullable(),
  sha256: z.string().nullable(),
  sizeBytes: count,
  clientAddress: z.string(),
  requestId: z.string(),
  receivedAt: time,
  timings: z.object({ verify: seconds, batchWait: seconds }),
  storedAt: time,
  duplicates: count,
  lastDuplicateAt: time.nullable(),
  attempts: count,
  nextCheckAt: time.nullable(),
  lastError: z.string().nullable(),
  closedAt: time.nullable(),
});

const event = z.object({
  id,
  eventKey: z.string(),
  type: z.string(),
  occurredAt: time.nullable(),
  subjects: z.array(z.string()),
  data: z.unknown(),
  state: z.string(),
  attempts: count,
  replay: count,
  lastError: z.string().nullable(),
  createdAt: time,
  closedAt: time.nullable(),
});

const body = z.union([
  z.object({ form: z.literal('json'), value: z.unknown() }),
  z.object({ form: z.enum(['text', 'base64']), text: z.string() }),
  z.object({ form: z.literal('hidden'), reason: z.enum(['absent', 'large', 'unreadable']) }),
]);

export const receiptOperations: OperationGroup = {
  tag: 'Receipts',
  about: 'What webhook requests brought. Personal data is masked; revealing it is a security event.',
  isRouted: true,
  operations: [
    {
      id: 'listReceipts',
      method: 'get',
      path: '/api/webhook-logs',
      summary: 'Receipts that match a filter',
      caller: 'admin',
      scope: 'webhook-logs:read',
      query: receiptQuery,
      answers: { 200: json('The newest first.', pageOf(receipt)) },
    },
    {
      id: 'showReceipt',
      method: 'get',
      path: '/api/webhook-logs/{id}',
      summary: 'One receipt with its headers, its body and its first events',
      caller: 'admin',
      scope: 'webhook-logs:read',
      stepUp: true,
      query: revealQuery,
      answers: {
        200: json(
          'The receipt.',
          receipt.extend({ headers: z.record(z.string(), z.string()), body, events: pageOf(event) }),
        ),
      },
      failures: ['not-found'],
    },
    {
      id: 'listReceiptEvents',
      method: 'get',
      path: '/api/webhook-logs/{id}/events',
      summary: 'The events of a receipt',
      caller: 'admin',
      scope: 'webhook-logs:read',
      stepUp: true,
      query: eventsQuery,
      answers: { 200: json('In their order.', pageOf(event)) },
      failures: ['not-found'],
    },
    {
      id: 'replayReceipt',
      method: 'post',
      path: '/api/webhook-logs/{id}/replay',
      summary: 'Hands the events of a receipt to the handlers again',
      caller: 'admin',
      scope: 'webhook-logs:write',
      stepUp: true,
      answers: { 204: nothing('It is due.') },
      failures: ['not-found', 'receipt-unreplayable'],
    },
    {
      id: 'replayReceipts',
      method: 'post',
      path: '/api/webhook-logs/replay',
      summary: 'Replays all receipts that a filter matches; without `dryRun: false` they are only counted',
      caller: 'admin',
      scope: 'webhook-logs:write',
      stepUp: true,
      body: json('Which ones.', bulkReplayBody),
      answers: {
        200: json(
          'How many, and what is in the way of the others.',
          z.object({ message: z.string(), count, dryRun: z.boolean(), obstacles: z.record(z.string(), count) }),
        ),
      },
      failures: ['filter-wide'],
    },
    {
      id: 'listOwnEvents',
      method: 'get',
      path: '/api/webhook-events',
      summary: 'Events that came of no webhook: verdicts on uploads',
      caller: 'admin',
      scope: 'webhook-logs:read',
      query: ownEventQuery,
      answers: { 200: json('The newest first.', pageOf(event)) },
    },
    {
      id: 'replayEvent',
      method: 'post',
      path: '/api/webhook-events/{id}/replay',
      summary: 'Hands an event that came of no webhook to the handlers again',
      caller: 'admin',
      scope: 'webhook-logs:write',
      stepUp: true,
      answers: { 204: nothing('It is due.') },
      failures: ['not-found', 'event-unreplayable'],
    },
  ],
};
