import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { watchPools } from '#database/pool-metrics.ts';
import type { Pool } from '#database/pool.ts';
import type { QueueContract } from '#queue/contract.ts';
import type { QueueReader } from '#queue/reader.ts';
import type { MetricsSource } from '#runtime/health.ts';
import { openSystemMetrics } from './system-metrics.ts';

export interface BoardMetricsParts {
  reader: QueueReader;
  contracts: readonly QueueContract[];
  pool: Pool;
}

/** What is in the queues and in the database, read when it is asked for; what can't be read has no value. */
export function openBoardMetrics({ reader, contracts, pool }: BoardMetricsParts): MetricsSource {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const jobs = new Gauge({
    name: 'portcullis_queue_jobs',
    help: 'Jobs in a queue, by state.',
    labelNames: ['queue', 'state'] as const,
    registers: [registry],
  });
  const oldest = new Gauge({
    name: 'portcullis_queue_oldest_waiting_seconds',
    help: 'Age of the job that has waited longest; 0 if none waits.',
    labelNames: ['queue'] as const,
    registers: [registry],
  });
  const fullness = new Gauge({
    name: 'portcullis_queue_store_fullness_ratio',
    help: "Redis' used memory divided by its limit.",
    registers: [registry],
  });

  watchPools(registry, { board: pool });
  const measureSystem = openSystemMetrics(registry, pool);

  async function measure(): Promise<void> {
    jobs.reset();
    oldest.reset();
    fullness.remove();
    await Promise.allSettled([...contracts.map(measureQueue), measureStore(), measureSystem()]);
  }

  async function measureQueue(contract: QueueContract): Promise<void> {
    const { oldestWaitingMs, ...states } = await reader.depth(contract);
    for (const [state, count] of Object.entries(states)) jobs.set({ queue: contract.name, state }, count);
    oldest.set({ queue: contract.name }, (oldestWaitingMs ?? 0) / 1_000);
  }

  async function measureStore(): Promise<void> {
    const pressure = await reader.pressure();
    if (pressure !== undefined) fullness.set(pressure);
  }

  return {
    contentType: registry.contentType,
    async metrics() {
      await measure();
      return registry.metrics();
    },
  };
}
