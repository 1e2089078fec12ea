import type { QueueName } from '#catalogue.ts';
import { databaseSettings } from '#database/pool.ts';
import { queueSettings } from '#queue/settings.ts';
import type { z } from 'zod';
import { ConfigError, integer, port, readConfig } from '#runtime/config.ts';
import { hostSettings, metricsSettings } from '#runtime/http-server.ts';
import { traceSettings } from '#runtime/traces.ts';
import { isReachable } from '#runtime/outbound.ts';
import { clamdSettings } from '#uploads/clamd-connection.ts';
import { scanSettings } from '#uploads/limits.ts';
import { storageFaults, storageSettings } from '#uploads/storage-settings.ts';
import { ticketSettings } from '#uploads/ticket-check.ts';
import { forwardSettings } from '#webhooks/forward.ts';
import { retentionSettings } from '#webhooks/retention.ts';
import { auditSettings } from './audit-settings.ts';

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
  ...auditSettings,
  ...traceSettings,
  WORKER_PORT: port().default(4_002),
  WORKER_CONCURRENCY_WEBHOOKS: integer(1, 256).default(16),
  WORKER_CONCURRENCY_EVENTS: integer(1, 64).default(8),
  /** Scans at once: as many as clamd has threads (MaxThreads). */
  WORKER_CONCURRENCY_UPLOADS: integer(1, 64).default(4),
  WORKER_CONCURRENCY_AUDIT: integer(1, 4).default(1),
  WORKER_CONCURRENCY_SWEEPS: integer(1, 16).default(1),
};

interface Concurrencies {
  WORKER_CONCURRENCY_WEBHOOKS: number;
  WORKER_CONCURRENCY_EVENTS: number;
  WORKER_CONCURRENCY_UPLOADS: number;
  WORKER_CONCURRENCY_AUDIT: number;
  WORKER_CONCURRENCY_SWEEPS: number;
}

/** Jobs at once, for each queue. */
export function concurrencyOf(config: Concurrencies): Record<QueueName, number> {
  return {
    webhooks: config.WORKER_CONCURRENCY_WEBHOOKS,
    events: config.WORKER_CONCURRENCY_EVENTS,
    // One more is looked into, or closed, while clamd is busy with the others.
    uploads: config.WORKER_CONCURRENCY_UPLOADS + 1,
    audit: config.WORKER_CONCURRENCY_AUDIT,
    sweeps: config.WORKER_CONCURRENCY_SWEEPS,
  };
}

export type WorkerConfig = z.infer<z.ZodObject<typeof workerSettings>>;

/** Where something is posted to, and what signs it. */
const RECEIVERS = [
  ['FORWARD_URL', 'FORWARD_SECRET'],
  ['AUDIT_URL', 'AUDIT_SECRET'],
  ['ALERT_URL', 'ALERT_SECRET'],
] as const;

/** Reads the worker's settings, and those that only make sense together. @throws ConfigError */
export function readWorkerConfig(): WorkerConfig {
  const config = readConfig(workerSettings);
  const faults = storageFaults(config);
  for (const [urlSetting, secretSetting] of RECEIVERS) {
    const url = config[urlSetting];
    if (url === undefined) continue;
    if (config[secretSetting] === undefined) faults.push(`${secretSetting}: required, because ${urlSetting} is set`);
    if (!isReachable(url, config.FORWARD_ALLOW_PRIVATE)) {
      faults.push(`${urlSetting}: names a private address; FORWARD_ALLOW_PRIVATE with yes or its host allows it`);
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
