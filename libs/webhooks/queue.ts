import { z } from 'zod';
import { defineQueue } from '#queue/contract.ts';

export const MAX_RECEIPTS_PER_JOB = 256;

/** One job a committed batch of receipts. Attempts that count are kept with the receipt, so these are generous. */
export const webhooks = defineQueue({
  name: 'webhooks',
  data: z.strictObject({
    receiptIds: z.array(z.uuid()).min(1).max(MAX_RECEIPTS_PER_JOB),
    trace: z.string().optional(),
  }),
  attempts: 1_000,
  backoff: { type: 'fixed', delayMs: 1_000 },
});
