import { collectDefaultMetrics, Counter, Registry } from 'prom-client';

export interface WorkerMetrics {
  registry: Registry;
  /** Receipts that the relay rang for again, or processed without the queue. */
  relayed: (receipts: number) => void;
}

export function openWorkerMetrics(): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const relayed = new Counter({
    name: 'portcullis_relayed_receipts_total',
    help: 'Open receipts that the relay rang for again or processed itself.',
    registers: [registry],
  });
  return { registry, relayed: (receipts) => relayed.inc(receipts) };
}
