import { collectDefaultMetrics, Counter, Registry } from 'prom-client';

export interface WorkerMetrics {
  registry: Registry;
  /** Receipts that the relay rang for again, or processed without the queue. */
  relayed: (receipts: number) => void;
  doorbellMissed: () => void;
}

export function openWorkerMetrics(): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const relayed = new Counter({
    name: 'portcullis_relayed_receipts_total',
    help: 'Open receipts that the relay rang for again or processed itself.',
    registers: [registry],
  });
  const missed = new Counter({
    name: 'portcullis_doorbell_missed_total',
    help: 'Jobs that could not be added after a commit; the relay rings for them later.',
    registers: [registry],
  });
  return {
    registry,
    doorbellMissed: () => missed.inc(),
    relayed: (receipts) => relayed.inc(receipts),
  };
}
