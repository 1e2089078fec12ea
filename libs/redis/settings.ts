import { z } from 'zod';
import { readRedisUrl } from '#redis/address.ts';

/** A setting that says where a Redis is; files that it names are read, so that what is missing is told at the start. */
export function redisUrl(): z.ZodType<string> {
  return z.string().superRefine((value, context) => {
    try {
      readRedisUrl(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });
}
