import type { QueueName } from '#catalogue.ts';
import { databaseSettings } from '#database/pool.ts';
import { queueSettings } from '#queue/settings.ts';
import type { z } from 'zod';
import { ConfigError, integer, port, readConfig } from '#runtime/config.ts';
import { hostSettings, metricsSettings } from '#runtime/http-server.ts';
import { isPrivateAddress } from '#runtime/outbound.ts';
import { clamdSettings } from '#uploads/clamd-connection.ts';
import { scanSettings } from '#uploads/limits.ts';
import { storageSettings } from '#uploads/storage.ts';
import { ticketSettings } from '#uploads/ticket-check.ts';
import { forwardSettings } from '#webhooks/forward.ts';
import { retentionSettings } from '#webhooks/retention.ts';

export const workerSettings = {
  ...hostSettings,
  ...metricsSettings,
  ...databaseSettings,
  ...queueSettings,
  ...retentionSettings,
  ...forwardSettings,
  ...storageSettings,
  ...clamdSettings,
  ...scanSettings,
  ...ticketSettings,
  WORKER_PORT: port().default(4_002),
  WORKER_CONCURRENCY_WEBHOOKS: integer(1, 256).default(16),
  WORKER_CONCURRENCY_EVENTS: integer(1, 64).default(8),
  /** As many as clamd has threads (MaxThreads). */
  WORKER_CONCURRENCY_UPLOADS: integer(1, 64).default(4),
  WORKER_CONCURRENCY_SWEEPS: integer(1, 16).default(1),
};

interface Concurrencies {
  WORKER_CONCURRENCY_WEBHOOKS: number;
  WORKER_CONCURRENCY_EVENTS: number;
  WORKER_CONCURRENCY_UPLOADS: number;
  WORKER_CONCURRENCY_SWEEPS: number;
}

/** Jobs at once, for each queue. */
export function concurrencyOf(config: Concurrencies): Record<QueueName, number> {
  return {
    webhooks: config.WORKER_CONCURRENCY_WEBHOOKS,
    events: config.WORKER_CONCURRENCY_EVENTS,
    uploads: config.WORKER_CONCURRENCY_UPLOADS,
    sweeps: config.WORKER_CONCURRENCY_SWEEPS,
  };
}

export type WorkerConfig = z.infer<z.ZodObject<typeof workerSettings>>;

/** Reads the worker's settings, and those that only make sense together. @throws ConfigError */
export function readWorkerConfig(): WorkerConfig {
  const config = readConfig(workerSettings);
  const faults: string[] = [];
  if (config.FORWARD_URL !== undefined) {
    if (config.FORWARD_SECRET === undefined) faults.push('FORWARD_SECRET: required, because FORWARD_URL is set');
    const host = new URL(config.FORWARD_URL).hostname.replace(/^\[|\]$/g, '');
    if (!config.FORWARD_ALLOW_PRIVATE && isPrivateAddress(host)) {
      faults.push('FORWARD_URL: names a private address; FORWARD_ALLOW_PRIVATE=yes allows it');
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
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
