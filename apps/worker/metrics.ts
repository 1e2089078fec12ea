import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Pool } from '#database/pool.ts';
import type { ScanGuard } from '#uploads/scan-guard.ts';
import { quarantineState } from '#uploads/quarantine-state.ts';
import { openAlertMetrics, type AlertMetrics } from './alert-metrics.ts';

export interface WorkerMetrics {
  registry: Registry;
  /** Receipts that the relay rang for again, or processed without the queue. */
  relayed: (receipts: number) => void;
  doorbellMissed: () => void;
  alerts: AlertMetrics;
  /** How long one upload took from its claim to its verdict. */
  scanned: (status: string, seconds: number) => void;
  watchUploads: (parts: { pool: Pool; guard: ScanGuard }) => void;
}

const SCAN_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90];

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
  const scans = new Histogram({
    name: 'portcullis_scan_seconds',
    help: 'From the claim of an upload to its verdict, by status.',
    labelNames: ['status'],
    buckets: SCAN_BUCKETS_SECONDS,
    registers: [registry],
  });
  return {
    registry,
    alerts: openAlertMetrics(registry),
    scanned: (status, seconds) => scans.observe({ status }, seconds),
    watchUploads: (parts) => watchUploads(registry, parts),
    doorbellMissed: () => missed.inc(),
    relayed: (receipts) => relayed.inc(receipts),
  };
}

/** Asked for when the metrics are. */
function watchUploads(registry: Registry, { pool, guard }: { pool: Pool; guard: ScanGuard }): void {
  const registers = [registry];
  const bytes = new Gauge({ name: 'portcullis_quarantine_bytes', help: 'Bytes without a verdict.', registers });
  const oldest = new Gauge({
    name: 'portcullis_oldest_unscanned_seconds',
    help: 'Age of the oldest upload without a verdict.',
    registers,
    async collect() {
      const state = await quarantineState(pool);
      bytes.set(state.bytes);
      oldest.set(state.oldestSeconds);
    },
  });
  const ready = new Gauge({
    name: 'portcullis_scanner_ready',
    help: 'Whether verdicts are given: 1 or 0.',
    registers,
    collect() {
      ready.set(guard.state.isReady ? 1 : 0);
    },
  });
  const age = new Gauge({
    name: 'portcullis_signature_age_seconds',
    help: 'Age of the official signatures; nothing while there are none.',
    labelNames: ['signatures'],
    registers,
    collect() {
      const { state } = guard;
      age.reset();
      if (state.isReady && state.signatures.madeAt !== undefined) {
        age.set({ signatures: state.signatures.kind }, (Date.now() - state.signatures.madeAt.getTime()) / 1000);
      }
    },
  });
}
