import { openBreaker } from '#runtime/breaker.ts';
import { Failure, isFailure } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';
import { zones, type Zone } from '#uploads/storage.ts';

/** Keeps an eye on both buckets: says once when one begins to fail, once when it is back, and spares it meanwhile. */
export interface BucketWatch {
  /** @throws Failure `storage-unavailable` at once, while a bucket keeps failing. */
  requireWell(zone: Zone): void;
  /** Works on a bucket, unless it keeps failing. */
  use<T>(zone: Zone, work: () => Promise<T>): Promise<T>;
  /** Works on it all the same: to see whether it is back. */
  probe<T>(zone: Zone, work: () => Promise<T>): Promise<T>;
}

const PAUSES = { threshold: 5, firstPauseMs: 1_000, maxPauseMs: 15_000 };

export function openBucketWatch(log: Log, pauses = PAUSES): BucketWatch {
  const buckets = Object.fromEntries(zones.map((zone) => [zone, { breaker: openBreaker(pauses), isFailing: false }]));
  const bucketOf = (zone: Zone) => buckets[zone] as { breaker: ReturnType<typeof openBreaker>; isFailing: boolean };

  function requireWell(zone: Zone): void {
    const retryAfterSeconds = bucketOf(zone).breaker.waitSeconds();
    if (retryAfterSeconds > 0) throw new Failure('storage-unavailable', { retryAfterSeconds });
  }

  async function probe<T>(zone: Zone, work: () => Promise<T>): Promise<T> {
    const bucket = bucketOf(zone);
    try {
      const result = await work();
      bucket.breaker.succeeded();
      if (bucket.isFailing) log.info({ zone }, 'the bucket answers again');
      bucket.isFailing = false;
      return result;
    } catch (error) {
      if (isFailure(error, 'storage-unavailable')) bucket.breaker.failed();
      if (!bucket.isFailing) log.warn({ zone, err: error }, 'the bucket fails');
      bucket.isFailing = true;
      throw error;
    }
  }

  return {
    requireWell,
    probe,
    async use(zone, work) {
      requireWell(zone);
      return probe(zone, work);
    },
  };
}
