import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openLoad, type Load } from '#limits/load.ts';
import { startTicker } from '#runtime/ticker.ts';

const SAMPLE_MS = 1_000;
const DEPTH_MS = 5_000;
const NANOSECONDS_PER_MS = 1e6;
const RESOLUTION_MS = 10;

export interface LoadParts {
  stack: AsyncDisposableStack;
  /** Requests that wait for a connection to the database. */
  waitingForPool: () => number;
  /** Jobs that wait for a worker. */
  queueDepth: () => Promise<number>;
}

/** Watches what presses this process: its event loop, its pool and the queue behind it. */
export function watchLoad({ stack, waitingForPool, queueDepth }: LoadParts): Load {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  stack.defer(() => void delay.disable());
  let depth = 0;
  const load = openLoad([
    {
      name: 'event-loop',
      read() {
        const ms = delay.percentile(90) / NANOSECONDS_PER_MS - RESOLUTION_MS;
        delay.reset();
        return ms;
      },
      calm: 70,
      full: 500,
    },
    { name: 'pool', read: waitingForPool, calm: 20, full: 200 },
    { name: 'queue', read: () => depth, calm: 20_000, full: 200_000 },
  ]);
  const sampling = setInterval(() => load.sample(), SAMPLE_MS).unref();
  stack.defer(() => clearInterval(sampling));
  const looking = startTicker(
    DEPTH_MS,
    async () => {
      depth = await queueDepth();
    },
    () => {
      depth = 0;
    },
  );
  stack.defer(() => looking.close());
  return load;
}
