import { audit } from '#audit/queue.ts';
import { sweeps } from '#queue/sweeps.ts';
import { uploads } from '#uploads/queue.ts';
import { events } from '#webhooks/event-queue.ts';
import { webhooks } from '#webhooks/queue.ts';

/** Every queue there is. */
export const catalogue = { webhooks, events, uploads, audit, sweeps } as const;

export type QueueName = keyof typeof catalogue;
