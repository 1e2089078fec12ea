import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';

export interface LoopLimit {
  /** For the last line of the log. */
  name: string;
  /** How long the event loop may stand still. */
  limitMs: number;
  lookMs?: number;
}

/** What the thread is given. */
export interface LoopWatch extends Required<LoopLimit> {
  /** Counts the turns of the event loop; whether a debugger may hold it. */
  state: Int32Array<SharedArrayBuffer>;
}

export const TURNS = 0;
export const IS_DEBUGGED = 1;

const LOOK_MS = 500;

/**
 * Ends this process with SIGKILL when its event loop stands still, which code that runs in it can neither see nor help:
 * whoever supervises it starts it again. Time in which the whole process stands still does not count.
 * @returns what ends the watch
 */
export function endWhenBlocked({ name, limitMs, lookMs = LOOK_MS }: LoopLimit): () => Promise<void> {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const turn = (): void => {
    Atomics.store(state, IS_DEBUGGED, inspectorUrl() === undefined ? 0 : 1);
    Atomics.add(state, TURNS, 1);
  };
  const timer = setInterval(turn, lookMs / 2);
  timer.unref();
  const thread = new Worker(new URL('loop-watch-thread.ts', import.meta.url), {
    workerData: { name, limitMs, lookMs, state } satisfies LoopWatch,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  thread.unref();
  return async () => {
    clearInterval(timer);
    await thread.terminate();
  };
}
