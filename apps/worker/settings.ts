import type { QueueName } from '#catalogue.ts';
import { databaseSettings } from '#database/pool.ts';
import { queueSettings } from '#queue/settings.ts';
import { ConfigError, integer, port } from '#runtime/config.ts';
import { hostSettings, metricsSettings } from '#runtime/http-server.ts';
import { retentionSettings } from '#webhooks/sweep-receipts.ts';

export const workerSettings = {
  ...hostSettings,
  ...metricsSettings,
  ...databaseSettings,
  ...queueSettings,
  ...retentionSettings,
  WORKER_PORT: port().default(4_002),
  WORKER_CONCURRENCY_WEBHOOKS: integer(1, 256).default(16),
  WORKER_CONCURRENCY_SWEEPS: integer(1, 16).default(1),
};

interface Concurrencies {
  WORKER_CONCURRENCY_WEBHOOKS: number;
  WORKER_CONCURRENCY_SWEEPS: number;
}

/** Jobs at once, for each queue. */
export function concurrencyOf(config: Concurrencies): Record<QueueName, number> {
  return {
    webhooks: config.WORKER_CONCURRENCY_WEBHOOKS,
    sweeps: config.WORKER_CONCURRENCY_SWEEPS,
  };
}

/**
 * The queues that a worker was asked for by name; none means all.
 * @throws ConfigError for a name that is no queue's.
 */
export function chosenQueues(names: readonly string[], all: readonly QueueName[]): readonly QueueName[] {
  const unknown = names.filter((name) => !all.some((queue) => queue === name));
  if (unknown.length > 0) {
    throw new ConfigError(unknown.map((name) => `argument ${name}: no such queue; there are ${all.join(', ')}`));
  }
  return names.length === 0 ? all : all.filter((queue) => names.includes(queue));
}
