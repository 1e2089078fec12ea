import { z } from 'zod';
import { defineQueue } from '#queue/contract.ts';

/** Regular work by name. A queue of its own, because a schedule is a delayed job and changes how idle workers wait. */
export const sweeps = defineQueue({
  name: 'sweeps',
  data: z.strictObject({ sweep: z.enum(['relay']) }),
  attempts: 1,
  backoff: { type: 'fixed', delayMs: 1_000 },
  schedules: [{ id: 'relay', pattern: '*/2 * * * * *', data: { sweep: 'relay' } }],
});
