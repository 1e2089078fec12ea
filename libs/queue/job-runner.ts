import { UnrecoverableError, type Job } from 'bullmq';
import type { QueueContract } from '#queue/contract.ts';
import { settledWithin } from '#runtime/deadline.ts';
import { isFailure } from '#runtime/failure.ts';
import type { Log } from '#runtime/log.ts';

/** What a job may still need after its signal was aborted. */
const GIVE_UP_MS = 2_000;

/** A queue's contract and what does its jobs. */
export interface Performer {
  contract: QueueContract;
  perform: (payload: unknown, signal: AbortSignal, onError: (error: unknown) => void) => Promise<void>;
}

export interface JobRunnerParts {
  log: Log;
  /** For jobs that come without a signal of their own. */
  signal: AbortSignal;
  /** Aborts the signal of the job with this id. */
  cancel: (id: string, reason: string) => void;
  /** Called when a try has ended, however it did. */
  onEnd: () => void;
}

export interface JobRunner {
  /** Jobs in work. */
  readonly running: number;
  /** Tries that ended well, and that did not. */
  readonly done: number;
  readonly failed: number;
  /** What BullMQ calls for each job. @throws UnrecoverableError where no retry can help. */
  readonly process: (job: Job, token: string | undefined, signal: AbortSignal | undefined) => Promise<void>;
}

/** Does jobs within their contract's time, counts them, and says what failed. */
export function openJobRunner(
  { contract, perform }: Performer,
  { log, signal: stopping, cancel, onEnd }: JobRunnerParts,
): JobRunner {
  let running = 0;
  let done = 0;
  let failed = 0;

  async function process(job: Job, _token: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    running += 1;
    try {
      await inTime(
        job,
        perform(job.data, signal ?? stopping, (error) => report(error, job.id)),
      );
      done += 1;
    } catch (error) {
      failed += 1;
      if (isFailure(error) && error.retry === 'never') throw new UnrecoverableError(error.message);
      throw error instanceof Error ? error : new Error(String(error));
    } finally {
      running -= 1;
      onEnd();
    }
  }

  async function inTime({ id }: Job, work: Promise<void>): Promise<void> {
    if (!(await settledWithin(contract.limitMs, work))) {
      cancel(id ?? '', 'this job took too long');
      if (!(await settledWithin(GIVE_UP_MS, work))) {
        const error = new Error(`given up: no end within ${contract.limitMs} ms`);
        report(error, id);
        throw error;
      }
    }
    await work;
  }

  function report(error: unknown, jobId: string | undefined): void {
    const line = { err: error, queue: contract.name, jobId };
    if (!isFailure(error)) log.error(line, 'a bug failed a job, which will be tried again');
    else if (error.retry === 'never') log.error(line, 'a job failed for good');
    else log.warn(line, 'a job will be tried again');
  }

  return {
    get running() {
      return running;
    },
    get done() {
      return done;
    },
    get failed() {
      return failed;
    },
    process,
  };
}
