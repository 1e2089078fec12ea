import type { z } from 'zod';
import { recordSettings } from '#audit/record-addresses.ts';
import { accessSettings, publicUrlSettings } from '#access/settings.ts';
import { proxySettings } from '#runtime/address.ts';
import { ConfigError, port, readConfig, url, yesNo, type Environment } from '#runtime/config.ts';
import { hostSettings, metricsSettings } from '#runtime/http-server.ts';
import { traceSettings } from '#runtime/traces.ts';
import { databaseSettings } from '#database/pool.ts';
import { limitSettings } from '#limits/tiers.ts';
import { queueSettings } from '#queue/settings.ts';
import { uploadSettings } from '#uploads/limits.ts';
import { storageFaults, storageSettings } from '#uploads/storage-settings.ts';
import { ticketSettings } from '#uploads/ticket-check.ts';
import { spoolSettings } from '#webhooks/spool/settings.ts';

export const ingressSettings = {
  ...hostSettings,
  ...metricsSettings,
  ...proxySettings,
  ...databaseSettings,
  ...queueSettings,
  ...accessSettings,
  ...limitSettings,
  ...publicUrlSettings,
  ...uploadSettings,
  ...storageSettings,
  ...ticketSettings,
  ...recordSettings,
  ...spoolSettings,
  ...traceSettings,
  PORT: port().default(4_000),
  HSTS_PRELOAD: yesNo(false),
  /** Where people find the board: the console links there. */
  BOARD_URL: url('http', 'https').optional(),
};

export type IngressConfig = z.infer<z.ZodObject<typeof ingressSettings>>;

/** Reads the ingress's settings, and those that only make sense together. @throws ConfigError */
export function readIngressConfig(env?: Environment): IngressConfig {
  const config = readConfig(ingressSettings, env);
  const faults = storageFaults(config);
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}
