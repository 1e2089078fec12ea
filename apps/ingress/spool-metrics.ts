import { Counter, Gauge, type Registry } from 'prom-client';
import type { Spool } from '#webhooks/spool/spool.ts';

export interface SpoolMetrics {
  /** Shows what this spool holds. */
  watch(spool: Pick<Spool, 'usedBytes' | 'maxBytes'>): void;
  spooled(source: string): void;
  drained(receipts: number): void;
  setAside(): void;
}

export function openSpoolMetrics(registry: Registry): SpoolMetrics {
  const registers = [registry];
  const spooled = new Counter({
    name: 'portcullis_spooled_receipts_total',
    help: 'Receipts acknowledged from the local spool while PostgreSQL was away, by source.',
    labelNames: ['source'],
    registers,
  });
  const drained = new Counter({
    name: 'portcullis_spool_drained_receipts_total',
    help: 'Receipts moved from the local spool into PostgreSQL.',
    registers,
  });
  const setAside = new Counter({
    name: 'portcullis_spool_set_aside_total',
    help: 'Spool files that could not be stored as a whole and are kept for people to look at.',
    registers,
  });
  return {
    watch(spool) {
      const gauge = (name: string, help: string, read: () => number): Gauge =>
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      gauge('portcullis_spool_bytes', 'Bytes in the local spool.', () => spool.usedBytes);
      gauge('portcullis_spool_max_bytes', 'What the local spool may hold.', () => spool.maxBytes);
    },
    spooled: (source) => spooled.inc({ source }),
    drained: (receipts) => drained.inc(receipts),
    setAside: () => setAside.inc(),
  };
}
