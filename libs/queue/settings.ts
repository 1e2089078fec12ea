import { url } from '#runtime/config.ts';

export const queueSettings = {
  /** Decides the queue's backend; the database of DATABASE_URL if unset. */
  QUEUE_URL: url('redis', 'rediss', 'postgres', 'postgresql').optional(),
};

export function queueUrlOf(config: { QUEUE_URL?: string | undefined; DATABASE_URL: string }): string {
  return config.QUEUE_URL ?? config.DATABASE_URL;
}

export function isRedisUrl(queueUrl: string): boolean {
  return /^rediss?:/.test(queueUrl);
}
