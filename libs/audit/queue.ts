import { z } from 'zod';
import { defineQueue } from '#queue/contract.ts';

/** Rings the sealer: a job says that there are events without a seal, and names none. */
export const audit = defineQueue({
  name: 'audit',
  data: z.strictObject({}),
  attempts: 3,
  backoff: { type: 'fixed', delayMs: 1_000 },
  limitMs: 120_000,
});
