import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import { openHttpObserver } from './observe-http.ts';
import { openSpoolMetrics, type SpoolMetrics } from './spool-metrics.ts';
import { openTraffic, type Traffic } from './traffic.ts';
import type { WebhookObserver } from './webhook-door.ts';

const ACK_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5];
const BATCH_BUCKETS_ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export interface IngressMetrics {
  registry: Registry;
  webhooks: Pick<WebhookObserver, 'received' | 'acknowledged' | 'unavailable'>;
  doorbellMissed: () => void;
  refusalLost: () => void;
  spool: SpoolMetrics;
  /** Told how many receipts were committed at once. */
  batchCommitted: (rows: number) => void;
  traffic: Traffic;
  observeHttp: ReturnType<typeof openHttpObserver>;
}

/** What the ingress counts. Labels are names from settings and from closed lists, so their number is bounded. */
export function openIngressMetrics(): IngressMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const received = new Counter({
    name: 'portcullis_receipts_total',
    help: 'Webhook requests by source and verdict.',
    labelNames: ['source', 'verdict'],
    registers,
  });
  const acknowledged = new Histogram({
    name: 'portcullis_ack_seconds',
    help: 'From the last byte of a webhook to its commit, by step.',
    labelNames: ['step'],
    buckets: ACK_BUCKETS_SECONDS,
    registers,
  });
  const unavailable = new Counter({
    name: 'portcullis_unavailable_total',
    help: 'Answers with status 503 by cause.',
    labelNames: ['cause'],
    registers,
  });
  const missed = new Counter({
    name: 'portcullis_doorbell_missed_total',
    help: 'Committed batches whose job could not be added; the relay rings for them later.',
    registers,
  });
  const lost = new Counter({
    name: 'portcullis_refusals_lost_total',
    help: 'Refused requests whose receipt could not be written.',
    registers,
  });
  const batches = new Histogram({
    name: 'portcullis_batch_rows',
    help: 'Receipts that were committed together.',
    buckets: BATCH_BUCKETS_ROWS,
    registers,
  });
  const traffic = openTraffic();
  const countUnavailable = (cause: string): void => unavailable.inc({ cause });
  return {
    registry,
    traffic,
    observeHttp: openHttpObserver({ registry, traffic, unavailable: countUnavailable }),
    batchCommitted: (rows) => batches.observe(rows),
    webhooks: {
      received(source, verdict) {
        received.inc({ source, verdict });
        traffic.received(verdict);
      },
      acknowledged({ verify, commit }) {
        acknowledged.observe({ step: 'verify' }, verify);
        acknowledged.observe({ step: 'commit' }, commit);
        traffic.acknowledged(verify + commit);
      },
      unavailable: countUnavailable,
    },
    doorbellMissed: () => missed.inc(),
    refusalLost: () => lost.inc(),
    spool: openSpoolMetrics(registry),
  };
}
