import type { JobsOptions } from 'bullmq';
import type { QueueContract } from '#queue/contract.ts';
import { Failure } from '#runtime/failure.ts';

/** @throws Failure `job-malformed`, which names the places and shows no value. */
export function parsePayload<Data>(contract: QueueContract<string, Data>, data: unknown): Data {
  const parsed = contract.data.safeParse(data);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map(({ path, code }) => `${['data', ...path].join('.')} (${code})`);
  throw new Failure('job-malformed', { detail: `${contract.name}: ${places.join(', ')}` });
}

export function jobOptionsOf({ attempts, backoff }: QueueContract): JobsOptions {
  return { attempts, backoff: { type: backoff.type, delay: backoff.delayMs } };
}

/** The correlation id that a payload carries as `trace`. */
export function traceOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('trace' in data)) return undefined;
  return typeof data.trace === 'string' ? data.trace : undefined;
}
