import type { z } from 'zod';
import { proxySettings } from '#runtime/address.ts';
import { port, url, yesNo } from '#runtime/config.ts';
import { hostSettings, metricsSettings } from '#runtime/http-server.ts';
import { databaseSettings } from '#database/pool.ts';
import { queueSettings } from '#queue/settings.ts';

export const ingressSettings = {
  ...hostSettings,
  ...metricsSettings,
  ...proxySettings,
  ...databaseSettings,
  ...queueSettings,
  PORT: port().default(4_000),
  PUBLIC_URL: url('http', 'https').optional(),
  HSTS_PRELOAD: yesNo(false),
};

export type IngressConfig = z.infer<z.ZodObject<typeof ingressSettings>>;
