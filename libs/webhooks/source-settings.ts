import { z } from 'zod';
import { integer, url, type Environment } from '#runtime/config.ts';
import { keyEncodings } from '#webhooks/key.ts';

const DEFAULT_MAX_BYTES = 3 * 1024 * 1024;
/** GitHub sends at most 25 MB, the most of all providers. */
const MAX_MAX_BYTES = 32 * 1024 * 1024;
const HEADER_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const TAKEN_HEADERS =
  /^(?:authorization|connection|content-.*|cookie|expect|host|te|trailer|transfer-encoding|upgrade)$/;

/** The settings whose names are known beforehand; those of `perSourceSettings` end in a source's name. */
export const sourceSettings = {
  WHATSAPP_APP_SECRET: z.string().optional(),
  WHATSAPP_VERIFY_TOKEN: z.string().optional(),
  WOOALERTS_WEBHOOK_SECRET: z.string().optional(),
  WOOALERTS_SIGNATURE_HEADER: z
    .string()
    .toLowerCase()
    .regex(HEADER_NAME, 'must be the name of a header')
    .refine((name) => !TAKEN_HEADERS.test(name), 'must not be a header that has another meaning')
    .default('x-wooalerts-signature'),
  WOOALERTS_SIGNATURE_ENCODING: z.enum(['hex', 'base64'], 'must be hex or base64').default('hex'),
  WEBHOOK_SOURCES: z.string().optional(),
  WEBHOOK_MAX_BYTES: integer(1, MAX_MAX_BYTES).default(DEFAULT_MAX_BYTES),
  PUBLIC_URL: url('http', 'https').optional(),
};

/** Each name is followed by `_` and the source's own, in upper case with `_` for `-`. Secrets and tokens are lists. */
export const perSourceSettings = {
  WEBHOOK_SECRET: z.string().optional(),
  WEBHOOK_VERIFY_TOKEN: z.string().optional(),
  WEBHOOK_KEY_ENCODING: z.enum(keyEncodings, `must be one of ${keyEncodings.join(', ')}`).optional(),
  WEBHOOK_OUTAGE: z.enum(['503', 'spool'], 'must be 503 or spool').optional(),
  WEBHOOK_MAX_BYTES: integer(1, MAX_MAX_BYTES).optional(),
  WEBHOOK_RETENTION_DAYS: integer(8, 3_650).optional(),
};

export type PerSourceSetting = keyof typeof perSourceSettings;

export function settingOf(setting: PerSourceSetting, source: string): string {
  return `${setting}_${source.toUpperCase().replaceAll('-', '_')}`;
}

/** Settings that look like a source's own but belong to none: most likely a typing mistake, which would switch something off. */
export function strayFaults(expected: ReadonlySet<string>, env: Environment): string[] {
  const prefixes = Object.keys(perSourceSettings).map((name) => `${name}_`);
  return Object.keys(env)
    .filter((name) => env[name] !== undefined && env[name] !== '' && prefixes.some((prefix) => name.startsWith(prefix)))
    .filter((name) => !expected.has(name) && !expected.has(name.replace(/_FILE$/, '')))
    .map((name) => `${name}: WEBHOOK_SOURCES declares no source that reads it`);
}
