import { Gauge, type Registry } from 'prom-client';
import type { Pool } from '#database/pool.ts';

/** Shows how many connections each pool has, and how many callers wait for one. */
export function watchPools(registry: Registry, pools: Readonly<Record<string, Pool>>): void {
  const connections = new Gauge({
    name: 'portcullis_pool_connections',
    help: 'Connections of a pool to PostgreSQL, by state.',
    labelNames: ['pool', 'state'],
    registers: [registry],
    collect() {
      for (const [pool, { totalCount, idleCount }] of Object.entries(pools)) {
        connections.set({ pool, state: 'idle' }, idleCount);
        connections.set({ pool, state: 'busy' }, totalCount - idleCount);
      }
    },
  });
  const waiting = new Gauge({
    name: 'portcullis_pool_waiting',
    help: 'Callers that wait for a connection of a pool.',
    labelNames: ['pool'],
    registers: [registry],
    collect() {
      for (const [pool, { waitingCount }] of Object.entries(pools)) waiting.set({ pool }, waitingCount);
    },
  });
}
