import type { OpenedWorker, QueueConnection } from '#queue/queue-connection.ts';
import { openErrorLog } from '#queue/error-log.ts';
import { openJobRunner, type Performer } from '#queue/job-runner.ts';
import { rest } from '#queue/paced-backend.ts';
import { openQueueHandle } from '#queue/queue-handle.ts';
import { openWatchdog } from '#queue/watchdog.ts';
import { settledWithin } from '#runtime/deadline.ts';
import type { Log } from '#runtime/log.ts';

const REOPEN_MS = 1_000;
const STUCK_MS = 60_000;
const WATCH_MS = 10_000;
const BACKLOG_MS = 2_000;
/** Stalled jobs are looked for every second, so silence beyond this means that the store is away. */
const SILENCE_MS = 10_000;
const MAX_REPLACEMENTS = 3;
const CLOSE_MS = 5_000;
const HAND_BACK_MS = 1_000;
const CUT_MS = 500;

export interface ConsumerOptions {
  concurrency: number;
  log: Log;
  /** Replacing the stuck worker three times in a row did not help: the process had better be restarted. */
  onHopeless?: () => void;
  /** How long jobs may wait while nothing is done before the worker is replaced. */
  stuckMs?: number;
  watchMs?: number;
}

export interface RunningConsumer {
  readonly queue: string;
  /** When the worker last got an answer from the store or ended a job, in ms since the epoch. */
  readonly lastProgressMs: number;
  /** Jobs in work in this process. */
  readonly running: number;
  /** Tries that ended well, and that did not, since the start. */
  readonly done: number;
  readonly failed: number;
  /** False while the store is away, and when replacing a stuck worker did not help. */
  isHealthy(): boolean;
  /** Takes no further job; those in work go on. For breakers: it may be called inside a job. */
  pause(): void;
  resume(): void;
  /** Stops taking jobs, waits for those in work, aborts their signals shortly before `limitMs`, and leaves at `limitMs`. */
  close(limitMs?: number): Promise<void>;
}

export function startConsumer(
  performer: Performer,
  connection: QueueConnection,
  { concurrency, log, onHopeless, stuckMs = STUCK_MS, watchMs = WATCH_MS }: ConsumerOptions,
): RunningConsumer {
  const { contract } = performer;
  const onError = openErrorLog(log, `worker of queue ${contract.name}`);
  const ended = new AbortController();
  const reader = openQueueHandle(connection, contract.name);
  let current: OpenedWorker | undefined;
  let paused = false;
  let lastContactMs = 0;
  let lastProgressMs = Date.now();
  let replacements = 0;

  const pace = {
    onContact: () => {
      lastContactMs = Date.now();
    },
    onReady: () => {
      lastContactMs = lastProgressMs = Date.now();
    },
    onProgress: () => {
      lastContactMs = lastProgressMs = Date.now();
      replacements = 0;
    },
    isPaused: () => paused,
    signal: ended.signal,
  };

  const jobs = openJobRunner(performer, {
    log,
    signal: ended.signal,
    cancel: (id, reason) => current?.worker.cancelJob(id, reason),
    onEnd: pace.onProgress,
  });

  async function attach(): Promise<void> {
    while (!ended.signal.aborted) {
      const opened = connection.openWorker(contract.name, jobs.process, { concurrency, pace });
      current = opened;
      opened.worker.on('error', onError);
      opened.worker.on('lockRenewalFailed', (ids) => {
        for (const id of ids) opened.worker.cancelJob(id, 'another worker may have taken this job');
      });
      try {
        await opened.worker.waitUntilReady();
        if (current !== opened || ended.signal.aborted) return;
        pace.onContact();
        if (paused) await opened.worker.pause(true);
        else opened.worker.run().catch(onError);
        return;
      } catch (error) {
        onError(error);
        opened.cut();
        if (current !== opened) return;
        await rest(REOPEN_MS, ended.signal);
      }
    }
  }

  function replace(): void {
    const stuck = current;
    replacements += 1;
    lastProgressMs = Date.now();
    log.error({ queue: contract.name, replacements }, 'jobs wait and none is taken: the worker is replaced');
    stuck?.worker.cancelAllJobs('this worker is replaced');
    stuck?.cut();
    void attach();
    if (replacements >= MAX_REPLACEMENTS) onHopeless?.();
  }

  const watchdog = openWatchdog({
    backlog: () =>
      reader.use(BACKLOG_MS, async (queue) => {
        const { waiting = 0, prioritized = 0 } = await queue.getJobCounts('waiting', 'prioritized');
        return waiting + prioritized + (await queue.getDelayedCount(Date.now()));
      }),
    lastProgressMs: () => lastProgressMs,
    isExcused: () => paused || jobs.running >= concurrency,
    onStuck: replace,
    limitMs: stuckMs,
    now: Date.now,
  });
  const watch = setInterval(() => void watchdog.tick(), watchMs);
  void attach();

  return {
    queue: contract.name,
    get lastProgressMs() {
      return lastProgressMs;
    },
    get running() {
      return jobs.running;
    },
    get done() {
      return jobs.done;
    },
    get failed() {
      return jobs.failed;
    },
    isHealthy: () => replacements < MAX_REPLACEMENTS && (paused || Date.now() - lastContactMs < SILENCE_MS),
    pause() {
      paused = true;
      current?.worker.pause(true).catch(onError);
    },
    resume() {
      paused = false;
      pace.onContact();
      current?.worker.resume().catch(onError);
    },
    async close(limitMs = CLOSE_MS) {
      clearInterval(watch);
      ended.abort();
      await reader.close();
      if (current === undefined) return;
      const { worker, cut } = current;
      const closed = worker.close();
      const idle = jobs.running === 0;
      if (!(await settledWithin(idle ? HAND_BACK_MS : limitMs - HAND_BACK_MS, closed)) && !idle) {
        worker.cancelAllJobs('the process stops');
        await settledWithin(HAND_BACK_MS, closed);
      }
      cut();
      await settledWithin(CUT_MS, closed);
    },
  };
}
