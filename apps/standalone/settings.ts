import { resolve } from 'node:path';
import { z } from 'zod';
import { migrationSettings } from '#database/migrate.ts';
import { queueUrl } from '#queue/settings.ts';
import { ConfigError, port, readConfig, url } from '#runtime/config.ts';
import { hostSettings } from '#runtime/http-server.ts';
import { storageFaults, storageSettings } from '#uploads/storage-settings.ts';

export const dataSettings = {
  /** Generated secrets, the embedded database, local files. */
  DATA_DIR: z
    .string()
    .default('.data')
    .transform((path) => resolve(path)),
};

export const standaloneSettings = {
  ...storageSettings,
  ...dataSettings,
  ...hostSettings,
  ...migrationSettings,
  PORT: port().default(4_000),
  BOARD_PORT: port().default(4_001),
  BOARD_HOST: z.string().default('127.0.0.1'),
  BOARD_USER: z.string().default('admin'),
  WORKER_PORT: port().default(4_002),
  DATABASE_URL: url('postgres', 'postgresql').optional(),
  QUEUE_URL: queueUrl().optional(),
  CLAMD_URL: url('unix', 'tcp').optional(),
};

export type StandaloneConfig = z.infer<z.ZodObject<typeof standaloneSettings>>;

/** Reads the settings, and those that only make sense together. @throws ConfigError */
export function readStandaloneConfig(): StandaloneConfig {
  const config = readConfig(standaloneSettings);
  const faults = storageFaults(config);
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}
