import { z } from 'zod';
import { defineQueue } from '#queue/contract.ts';

const names = ['receipts', 'sessions', 'limits', 'uploads', 'rescans', 'months', 'chain'] as const;

export type SweepName = (typeof names)[number];

/** Regular work by name. A queue of its own, because a schedule is a delayed job and changes how idle workers wait. */
export const sweeps = defineQueue({
  name: 'sweeps',
  data: z.strictObject({ sweep: z.enum(names) }),
  attempts: 1,
  backoff: { type: 'fixed', delayMs: 1_000 },
  schedules: [
    { id: 'receipts', pattern: '0 17 * * * *', data: { sweep: 'receipts' } },
    { id: 'sessions', pattern: '0 37 * * * *', data: { sweep: 'sessions' } },
    { id: 'limits', pattern: '0 47 * * * *', data: { sweep: 'limits' } },
    { id: 'uploads', pattern: '0 27 * * * *', data: { sweep: 'uploads' } },
    { id: 'months', pattern: '0 7 * * * *', data: { sweep: 'months' } },
    { id: 'chain', pattern: '15 */10 * * * *', data: { sweep: 'chain' } },
    { id: 'rescans', pattern: '30 */10 * * * *', data: { sweep: 'rescans' } },
  ],
});
