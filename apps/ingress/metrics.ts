import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import { openSpoolMetrics, type SpoolMetrics } from './spool-metrics.ts';
import type { WebhookObserver } from './webhook-door.ts';

const ACK_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5];

export interface IngressMetrics {
  registry: Registry;
  webhooks: Pick<WebhookObserver, 'received' | 'acknowledged' | 'unavailable'>;
  doorbellMissed: () => void;
  refusalLost: () => void;
  spool: SpoolMetrics;
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
  return {
    registry,
    webhooks: {
      received: (source, verdict) => received.inc({ source, verdict }),
      acknowledged: ({ verify, commit }) => {
        acknowledged.observe({ step: 'verify' }, verify);
        acknowledged.observe({ step: 'commit' }, commit);
      },
      unavailable: (cause) => unavailable.inc({ cause }),
    },
    doorbellMissed: () => missed.inc(),
    refusalLost: () => lost.inc(),
    spool: openSpoolMetrics(registry),
  };
}
