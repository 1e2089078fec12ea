import { z } from 'zod';
import { eventTypes, type SecurityEventType } from '#audit/event-types.ts';
import { isId } from '#runtime/id.ts';
import { pageQuery } from './fields.ts';

const DAY_MS = 86_400_000;
const MAX_SUMMARY_MS = 31 * DAY_MS;

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((date) => !Number.isNaN(date.getTime()), 'must be a time');
const text = (maxLength: number) => z.string().min(1).max(maxLength);

export const eventQuery = pageQuery.extend({
  type: z.enum(Object.keys(eventTypes) as SecurityEventType[], 'must be a type of security events').optional(),
  severity: z.enum(['info', 'notice', 'warning', 'critical']).optional(),
  actorId: z.string().refine(isId, 'must be an id').optional(),
  actorKind: z.enum(['anonymous', 'user', 'token', 'source', 'system']).optional(),
  targetKind: text(64).optional(),
  targetId: text(255).optional(),
  source: text(32).optional(),
  addressPrefix: z
    .string()
    .regex(/^[0-9a-f.:]{2,39}\/\d{1,3}$/, 'must be a prefix such as 203.0.113.7/32')
    .optional(),
  requestId: text(64).optional(),
  from: time.optional(),
  to: time.optional(),
});

/** By default the last 24 hours. */
export const summaryQuery = z
  .strictObject({ from: time.optional(), to: time.optional() })
  .transform(({ from, to = new Date() }) => ({ from: from ?? new Date(to.getTime() - DAY_MS), to }))
  .refine(({ from, to }) => from < to && to.getTime() - from.getTime() <= MAX_SUMMARY_MS, {
    message: 'must be a time before `to`, at most 31 days',
    path: ['from'],
  });

export const chainQuery = z.strictObject({
  limit: pageQuery.shape.limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'must be the cursor of a list')
    .transform(Number)
    .optional(),
});
