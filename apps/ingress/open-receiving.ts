import type { ProcessParts } from '#runtime/process.ts';
import { openDoorbell } from '#webhooks/doorbell.ts';
import { openJournal } from '#webhooks/journal.ts';
import { webhooks } from '#webhooks/queue.ts';
import { openRefusals, type Refusals } from '#webhooks/refusals.ts';
import type { Sources } from '#webhooks/sources.ts';
import type { IngressMetrics } from './metrics.ts';
import type { Connections } from './open-connections.ts';
import { openOutage, type Outage } from './open-outage.ts';
import type { IngressConfig } from './settings.ts';

export interface ReceivingParts extends Pick<ProcessParts, 'stack' | 'log'> {
  config: IngressConfig;
  sources: Sources;
  connections: Connections;
  metrics: IngressMetrics;
}

/** Where the webhook door puts what it has received: the journal, which rings after each commit, and refused requests. */
export async function openReceiving({
  stack,
  log,
  config,
  sources,
  connections,
  metrics,
}: ReceivingParts): Promise<Outage & { refusals: Refusals }> {
  const { pool, journalPool, producer } = connections;
  const refusals = stack.adopt(
    openRefusals({
      pool,
      onLost: (error) => {
        metrics.refusalLost();
        log.warn({ err: error }, 'the receipt of a refused request was lost');
      },
    }),
    (opened) => opened.drain(),
  );
  const doorbell = stack.adopt(
    openDoorbell({
      add: (receiptIds) => producer.ring(webhooks, { receiptIds }),
      onMissed: metrics.doorbellMissed,
    }),
    (opened) => opened.drain(),
  );
  const journal = stack.adopt(
    openJournal({
      pool: journalPool,
      onCommitted: (receiptIds) => doorbell.ring(receiptIds),
      onBatch: metrics.batchCommitted,
    }),
    (opened) => opened.drain(),
  );
  const outage = await openOutage({
    stack,
    log,
    sources,
    journal,
    pool: journalPool,
    dataDir: config.DATA_DIR,
    maxBytes: config.SPOOL_MAX_BYTES,
    ring: (receiptIds) => doorbell.ring(receiptIds),
    metrics: metrics.spool,
  });
  return { ...outage, refusals };
}
