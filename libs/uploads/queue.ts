import { z } from 'zod';
import { defineQueue } from '#queue/contract.ts';

/** Rings for one upload that has something to be decided. */
export const uploads = defineQueue({
  name: 'uploads',
  data: z.strictObject({ uploadId: z.uuid() }),
  attempts: 10,
  backoff: { type: 'exponential', delayMs: 2_000 },
});
