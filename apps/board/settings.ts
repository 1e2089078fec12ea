import { z } from 'zod';
import { recordSettings } from '#audit/record-addresses.ts';
import { databaseSettings } from '#database/pool.ts';
import { queueSettings } from '#queue/settings.ts';
import { proxySettings } from '#runtime/address.ts';
import { port, secret, yesNo } from '#runtime/config.ts';
import { metricsSettings } from '#runtime/http-server.ts';

export const boardSettings = {
  ...metricsSettings,
  ...proxySettings,
  ...databaseSettings,
  ...queueSettings,
  ...recordSettings,
  BOARD_HOST: z.string().default('127.0.0.1'),
  BOARD_PORT: port().default(4_001),
  /** HTTP basic auth sends the name up to the first colon (RFC 7617 §2). */
  BOARD_USER: z
    .string()
    .regex(/^[^:]{1,64}$/, 'must be 1 to 64 characters without a colon')
    .default('admin'),
  BOARD_PASSWORD: secret(),
  BOARD_READ_ONLY: yesNo(true),
};
