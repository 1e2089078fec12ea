import { isDatabaseUnavailable, openPool, requireUtf8, type Pool } from '#database/pool.ts';
import { openQueueConnection } from '#queue/connection.ts';
import { openProducer, type Producer } from '#queue/producer.ts';
import type { QueueConnection } from '#queue/queue-connection.ts';
import { openQueueReader, type QueueReader } from '#queue/reader.ts';
import { queueUrlOf } from '#queue/settings.ts';
import type { ProcessParts } from '#runtime/process.ts';
import type { Sources } from '#webhooks/sources.ts';
import type { IngressConfig } from './settings.ts';

const DOORBELL_LIMIT_MS = 1_000;
/** Two batches are in flight; the third connection is for readiness, the fourth drains the spool. */
const JOURNAL_CONNECTIONS = 4;

export interface Connections {
  pool: Pool;
  /** For receipts alone: nothing else can take its connections. */
  journalPool: Pool;
  queue: QueueConnection;
  producer: Producer;
  reader: QueueReader;
}

/** Connects to database and queue; without the database only where the receipts of some source are spooled. */
export async function openConnections({
  stack,
  log,
  config,
  sources,
}: Pick<ProcessParts, 'stack' | 'log'> & { config: IngressConfig; sources: Sources }): Promise<Connections> {
  const onError = (error: Error): void => log.warn({ err: error }, 'a database connection was lost');

  const pool = stack.adopt(openPool(config.DATABASE_URL, { name: 'ingress', max: 10, onError }), (opened) =>
    opened.end(),
  );
  await requireUtf8(pool).catch((error: unknown) => {
    const isBridged = [...sources.values()].some(({ outage }) => outage === 'spool');
    if (!isBridged || !isDatabaseUnavailable(error)) throw error;
    log.warn({ err: error }, 'starting without the database: receipts of some sources are spooled');
  });
  const journalPool = stack.adopt(
    openPool(config.DATABASE_URL, {
      name: 'journal',
      max: JOURNAL_CONNECTIONS,
      connectMs: 1_000,
      statementMs: 1_000,
      queryMs: 1_200,
      onError,
    }),
    (opened) => opened.end(),
  );
  const queue = stack.adopt(openQueueConnection(queueUrlOf(config), { role: 'producer', log }), (opened) =>
    opened.close(),
  );
  const producer = stack.adopt(openProducer(queue, { deadlineMs: DOORBELL_LIMIT_MS }), (opened) => opened.close());
  const reader = stack.adopt(openQueueReader(queue, { deadlineMs: DOORBELL_LIMIT_MS }), (opened) => opened.close());
  return { pool, journalPool, queue, producer, reader };
}
