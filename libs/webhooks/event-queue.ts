import { z } from 'zod';
import { defineQueue } from '#queue/contract.ts';

export const MAX_EVENTS_PER_JOB = 256;

/**
 * Events to hand to the handlers. Attempts that count are kept with the event, so these are generous. What a job has not
 * begun within its time is left to another.
 */
export const events = defineQueue({
  name: 'events',
  data: z.strictObject({
    eventIds: z.array(z.uuid()).min(1).max(MAX_EVENTS_PER_JOB),
    trace: z.string().optional(),
  }),
  attempts: 1_000,
  backoff: { type: 'fixed', delayMs: 1_000 },
  limitMs: 120_000,
});
