import { setTimeout as sleep } from 'node:timers/promises';
import type { IQueueBackend, WorkerOptions } from 'bullmq';

const REST_MS = 1_000;

/** How a worker's owner follows and slows its calls of the store. */
export interface Pace {
  /** The store answered. */
  onContact: () => void;
  /** The connection came back. */
  onReady: () => void;
  /** The worker's own loop got an answer to "is there a job?". */
  onProgress: () => void;
  isPaused: () => boolean;
  /** Ends every rest. */
  signal: AbortSignal;
}

/** Waits, but not beyond the end of `signal`. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/**
 * A worker asks again at once after an error that is not "connection refused": a Redis out of memory or a PostgreSQL
 * that is starting up gets thousands of requests a second. So an error rests before it is passed on.
 */
export function paced<B extends IQueueBackend>(backend: B, pace: Pace): B {
  const claim = backend.moveToActive.bind(backend);
  const wait = backend.waitForJob.bind(backend);
  const takeBackStalled = backend.moveStalledJobsToWait.bind(backend);
  backend.moveToActive = async (...call) => {
    if (pace.isPaused()) return [null, '', 0, 0];
    const claimed = await claim(...call).catch(afterRest);
    pace.onProgress();
    return claimed;
  };
  backend.waitForJob = (...call) => wait(...call).catch(afterRest);
  backend.moveStalledJobsToWait = async () => {
    const moved = await takeBackStalled();
    pace.onContact();
    return moved;
  };
  backend.on('ready', pace.onReady);
  return backend;

  async function afterRest(error: unknown): Promise<never> {
    await rest(REST_MS, pace.signal);
    throw error;
  }
}

/**
 * A killed worker's job is taken up again within 8 s: at most the rest of its lock and two stalled checks. A job that
 * stalls is never failed for it; whether it is poison is judged where its row is.
 */
export const workerSettings = {
  autorun: false,
  lockDuration: 5_000,
  stalledInterval: 1_000,
  maxStalledCount: 1_000,
  runRetryDelay: 500,
  drainDelay: 2,
  removeOnComplete: { count: 0 },
  removeOnFail: { age: 14 * 24 * 3_600, count: 1_000 },
  metrics: { maxDataPoints: 24 * 60 },
} as const satisfies Partial<WorkerOptions>;
