import { z } from 'zod';
import { chainQuery, eventQuery, summaryQuery } from '../event-fields.ts';
import { overviewQuery } from '../routes/overview.ts';
import type { OperationGroup } from './operation.ts';
import { count, id, json, pageOf, seconds, time } from './shapes.ts';

const severity = z.enum(['info', 'notice', 'warning', 'critical']);
const details = z.record(z.string(), z.unknown());

const securityEvent = z.object({
  id,
  type: z.string(),
  severity,
  occurredAt: time,
  recordedAt: time,
  actorId: z.string().nullable(),
  actorKind: z.enum(['anonymous', 'user', 'token', 'source', 'system']),
  targetKind: z.string().nullable(),
  targetId: z.string().nullable(),
  addressPrefix: z.string().nullable(),
  network: z.string().nullable(),
  device: z.string().nullable(),
  requestId: z.string().nullable(),
  source: z.string().nullable(),
  count: z.int().min(1).describe('Equal acts that share a row.'),
  details: z.unknown(),
});

const trail = z.object({
  sealed: count,
  unsealed: count.describe('Counting stops at 10,000.'),
  oldestUnsealedSeconds: seconds,
  head: z.object({ number: count, hash: z.string(), sealedAt: time }).optional(),
});

const seal = z.object({
  number: count,
  firstPosition: count,
  count,
  root: z.string(),
  previousHash: z.string(),
  hash: z.string(),
  sealedAt: time,
});

const verification = z.object({
  name: z.enum(['recent', 'whole']),
  checkedAt: time,
  throughSeal: count,
  events: count,
  fault: z.object({ kind: z.string(), seal: count, position: count.optional() }).nullable(),
});

const cursor = z.object({
  name: z.string(),
  position: count,
  movedAt: time,
  failures: count,
  lastError: z.string().nullable(),
});

const latency = z.object({ p50: seconds, p99: seconds }).nullable();
const backlog = z.object({ open: count, oldestSeconds: seconds, dead: count });

const queue = z.object({
  name: z.string(),
  waiting: count,
  active: count,
  delayed: count,
  failed: count,
  oldestWaitingSeconds: seconds.nullable(),
});

const runningProcess = z.object({
  id,
  process: z.string(),
  host: z.string(),
  pid: count,
  startedAt: time,
  beatAt: time,
  isAlive: z.boolean(),
  details,
});

const overview = z.object({
  at: time,
  rates: z.object({
    accepted: seconds,
    duplicate: seconds,
    refused: seconds,
    requests: seconds,
    unavailable: seconds,
  }),
  latencies: z.object({ ack: latency, http: latency }),
  receipts: backlog,
  events: backlog,
  quarantine: z.object({ bytes: count, oldestSeconds: seconds }),
  sessions: count,
  queues: z.array(queue).nullable().describe("Null while the queue's store is away."),
  scanner: z.unknown().describe('Null where nobody scans.'),
  processes: z.array(runningProcess),
  audit: trail.extend({ intact: z.boolean().nullable().describe('Null before the first walk along the chain.') }),
  alerts: z.array(z.object({ rule: z.string(), subject: z.string(), severity, raisedAt: time, details })),
  sweeps: z.array(
    z.object({
      name: z.string(),
      begunAt: time,
      succeededAt: time.nullable(),
      swept: count,
      lastError: z.string().nullable(),
    }),
  ),
});

export const monitoringOperations: OperationGroup = {
  tag: 'Monitoring',
  about: 'How everything is, and the audit trail. Nothing can be changed here.',
  isRouted: true,
  operations: [
    {
      id: 'overview',
      method: 'get',
      path: '/api/overview',
      summary: 'Rates, latencies, backlogs, processes and alerts at a glance',
      caller: 'admin',
      scope: 'overview:read',
      query: overviewQuery,
      answers: { 200: json('Rates are a second, latencies in seconds.', overview) },
    },
    {
      id: 'listSecurityEvents',
      method: 'get',
      path: '/api/security-events',
      summary: 'Security events that match a filter',
      caller: 'admin',
      scope: 'security-events:read',
      query: eventQuery,
      answers: { 200: json('The newest first.', pageOf(securityEvent)) },
    },
    {
      id: 'summariseSecurityEvents',
      method: 'get',
      path: '/api/security-events/summary',
      summary: 'How many security events there were by hour and type, by default in the last 24 hours',
      caller: 'admin',
      scope: 'security-events:read',
      query: summaryQuery,
      answers: {
        200: json(
          'The latest hour first.',
          z.object({
            from: time,
            to: time,
            items: z.array(z.object({ hour: time, type: z.string(), severity, count })),
          }),
        ),
      },
    },
    {
      id: 'showChain',
      method: 'get',
      path: '/api/security-events/chain',
      summary: 'The state of the hash chain, and its seals',
      caller: 'admin',
      scope: 'security-events:read',
      query: chainQuery,
      answers: {
        200: json(
          'The newest seal first.',
          pageOf(seal).extend({
            ...trail.shape,
            verifications: z.array(verification),
            cursors: z.array(cursor),
          }),
        ),
      },
    },
  ],
};
