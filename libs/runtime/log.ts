import { pino, type DestinationStream, type Logger } from 'pino';
import { z } from 'zod';
import { correlationId } from '#runtime/correlation.ts';

export type Log = Logger;

export const logSettings = {
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
};

const REDACTED_KEYS = [
  'authorization',
  'cookie',
  '["set-cookie"]',
  'password',
  'currentPassword',
  'newPassword',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'body',
  'connectionString',
];

/** JSON lines on stdout; pretty only on a terminal. Every line carries the correlation id of the work it belongs to. */
export function openLog({
  name,
  level = 'info',
  destination,
}: {
  name: string;
  level?: string;
  destination?: DestinationStream;
}): Log {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: REDACTED_KEYS.flatMap((key) => (key.startsWith('[') ? [key, `*${key}`] : [key, `*.${key}`, `*.*.${key}`])),
      censor: '[redacted]',
    },
    serializers: { err: errorOf, error: errorOf },
    mixin: () => {
      const id = correlationId();
      return id === undefined ? {} : { correlationId: id };
    },
  };
  if (destination !== undefined) return pino(options, destination);
  if (process.stdout.isTTY) return pino({ ...options, transport: { target: 'pino-pretty' } });
  // Not in the background: at exit pino would then try for ever to write to a reader that is gone.
  return pino(options, pino.destination({ fd: 1, sync: true }));
}

/** The default serializer copies every property of an error, and those of database errors quote values. */
function errorOf(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = error.cause === undefined ? undefined : errorOf(error.cause);
  return { type: name, message, code, stack, cause };
}
