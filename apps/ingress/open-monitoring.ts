import type { Router } from 'express';
import { EventContextEntity } from '#audit/event-context.ts';
import { SecurityEventEntity } from '#audit/security-event.ts';
import { openHeartbeat } from '#database/heartbeat.ts';
import { openOrm } from '#database/orm.ts';
import type { Pool } from '#database/pool.ts';
import { openQueueReader } from '#queue/reader.ts';
import type { QueueConnection } from '#queue/connection.ts';
import type { Log } from '#runtime/log.ts';
import type { RequireCaller } from './authenticate.ts';
import { overview } from './overview.ts';
import { overviewRoutes } from './routes/overview.ts';
import { securityEventRoutes } from './routes/security-events.ts';
import type { Traffic } from './traffic.ts';

const QUEUE_LIMIT_MS = 1_000;

export interface MonitoringParts {
  stack: AsyncDisposableStack;
  databaseUrl: string;
  pool: Pool;
  queue: QueueConnection;
  requireCaller: RequireCaller;
  traffic: Traffic;
  log: Log;
}

/** What admins look at, and this process's own heartbeat. */
export async function openMonitoring(parts: MonitoringParts): Promise<Router[]> {
  const { stack, pool, queue, requireCaller, traffic, log } = parts;
  const reader = stack.adopt(openQueueReader(queue, { deadlineMs: QUEUE_LIMIT_MS }), (opened) => opened.close());
  const orm = stack.adopt(
    await openOrm({ entities: [SecurityEventEntity, EventContextEntity], forceUtcTimezone: true }, parts.databaseUrl),
    (opened) => opened.close(true),
  );
  stack.adopt(
    openHeartbeat({
      pool,
      process: 'ingress',
      describe: () => ({ traffic: traffic.describe() }),
      onError: (error) => log.warn({ err: error }, 'the heartbeat could not be written'),
    }),
    (opened) => opened.close(),
  );
  return [
    securityEventRoutes({ em: orm.em, pool, requireCaller }),
    overviewRoutes({ overview: () => overview(pool, reader), requireCaller }),
  ];
}
