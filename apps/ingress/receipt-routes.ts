import type { Router } from 'express';
import type { RecordEvents } from '#audit/record.ts';
import { openOrm } from '#database/orm.ts';
import type { Pool } from '#database/pool.ts';
import type { Limiter } from '#limits/limiter.ts';
import type { Producer } from '#queue/producer.ts';
import { chunksOf } from '#runtime/chunks.ts';
import { events, MAX_EVENTS_PER_JOB } from '#webhooks/event-queue.ts';
import { webhooks } from '#webhooks/queue.ts';
import type { Reopened } from '#webhooks/reopen-receipts.ts';
import type { Sources } from '#webhooks/sources.ts';
import { WebhookEventEntity } from '#webhooks/webhook-event.ts';
import { WebhookLogEntity } from '#webhooks/webhook-log.ts';
import type { RequireCaller } from './authenticate.ts';
import type { ClientAddressOf } from './client.ts';
import { replayRoutes } from './routes/replays.ts';
import { webhookEventRoutes } from './routes/webhook-events.ts';
import { webhookLogRoutes } from './routes/webhook-logs.ts';

export interface ReceiptRouteParts {
  stack: AsyncDisposableStack;
  databaseUrl: string;
  pool: Pool;
  record: RecordEvents;
  producer: Producer;
  sources: Sources;
  limiter: Limiter;
  requireCaller: RequireCaller;
  clientAddressOf: ClientAddressOf;
  onMissed: () => void;
}

/** Every route of receipts and of what has none. They read through the mapper, which connects when it is first asked. */
export async function openReceiptRoutes(parts: ReceiptRouteParts): Promise<Router[]> {
  const { stack, pool, record, producer, sources, limiter, requireCaller, clientAddressOf, onMissed } = parts;
  const orm = stack.adopt(
    await openOrm({ entities: [WebhookLogEntity, WebhookEventEntity], forceUtcTimezone: true }, parts.databaseUrl),
    (opened) => opened.close(true),
  );

  async function ring({ receiptIds, eventIds }: Reopened): Promise<void> {
    if (receiptIds.length > 0) await producer.ring(webhooks, { receiptIds });
    const jobs = chunksOf(eventIds, MAX_EVENTS_PER_JOB).map((ids) => ({ eventIds: ids }));
    await producer.ringMany(events, jobs);
  }

  const context = { pool, sources, record, onReopened: (reopened: Reopened) => void ring(reopened).catch(onMissed) };
  return [
    replayRoutes({ em: orm.em, context, limiter, requireCaller, clientAddressOf }),
    webhookEventRoutes({ context, limiter, requireCaller, clientAddressOf }),
    webhookLogRoutes({ em: orm.em, pool, record, requireCaller, clientAddressOf }),
  ];
}
