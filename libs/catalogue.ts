import { sweeps } from '#queue/sweeps.ts';
import { webhooks } from '#webhooks/queue.ts';

/** Every queue there is. */
export const catalogue = { webhooks, sweeps } as const;

export type QueueName = keyof typeof catalogue;
