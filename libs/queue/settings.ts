import { z } from 'zod';
import { isRedisUrl } from '#redis/address.ts';
import { redisUrl } from '#redis/settings.ts';
import { url } from '#runtime/config.ts';

const postgresUrl = url('postgres', 'postgresql');
const FORM = 'must be a URL that begins with redis://, rediss:// or postgres://';

/** Where the queue's jobs are: PostgreSQL, or Redis in each of its forms. */
export function queueUrl(): z.ZodType<string> {
  return z.string().superRefine((value, context) => {
    const result = (isRedisUrl(value) ? redisUrl() : postgresUrl).safeParse(value);
    if (result.success) return;
    const message = isRedisUrl(value) ? (result.error.issues[0]?.message ?? FORM) : FORM;
    context.addIssue({ code: 'custom', message });
  });
}

export const queueSettings = {
  /** Decides the queue's backend; the database of DATABASE_URL if unset. */
  QUEUE_URL: queueUrl().optional(),
};

export function queueUrlOf(config: { QUEUE_URL?: string | undefined; DATABASE_URL: string }): string {
  return config.QUEUE_URL ?? config.DATABASE_URL;
}
