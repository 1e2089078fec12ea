import { setTimeout as sleep } from 'node:timers/promises';

/** What sends something to the system: new things until it is stopped, and the same again until there is an answer. */
export interface Load {
  /** How much has no answer yet. */
  readonly underWay: number;
  /** Begins something so many times a second, whatever the answers take. */
  arrive(perSecond: number, begin: () => void): void;
  /** Does something again and again until the load is stopped. */
  act(pauseMs: () => number, work: () => Promise<unknown>): void;
  /** Does something again and again until the load is closed: also while the rest is waited for. */
  attend(pauseMs: () => number, work: () => Promise<unknown>): void;
  /** Waits for it when the load settles. */
  track(work: Promise<unknown>): void;
  /** Tries until it is done or the patience of `settle` is at its end. @returns whether it was done */
  insist(pauseMs: (tries: number) => number, attempt: () => Promise<boolean>): Promise<boolean>;
  /** Nothing new is begun. */
  stop(): void;
  /** Resolves when all that was begun has its answer, or has been given up after `limitMs`. */
  settle(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

const TICK_MS = 10;

export function openLoad(): Load {
  const stopped = new AbortController();
  const closed = new AbortController();
  const acts: Promise<void>[] = [];
  const attendances: Promise<void>[] = [];
  const underWay = new Set<Promise<void>>();
  let givesUpAtMs = Number.POSITIVE_INFINITY;

  async function repeat({ signal }: AbortController, pauseMs: () => number, work: () => unknown): Promise<void> {
    while (!signal.aborted) {
      await work();
      await sleep(pauseMs());
    }
  }

  return {
    get underWay() {
      return underWay.size;
    },
    arrive(perSecond, begin) {
      const startedAt = performance.now();
      let count = 0;
      const tick = (): void => {
        const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
        for (; count < due; count += 1) begin();
      };
      acts.push(repeat(stopped, () => TICK_MS, tick));
    },
    act: (pauseMs, work) => void acts.push(repeat(stopped, pauseMs, work)),
    attend: (pauseMs, work) => void attendances.push(repeat(closed, pauseMs, work)),
    track(work) {
      const tracked = work.then(() => void underWay.delete(tracked));
      underWay.add(tracked);
    },
    async insist(pauseMs, attempt) {
      for (let tries = 1; !(await attempt()); tries += 1) {
        if (performance.now() > givesUpAtMs) return false;
        await sleep(pauseMs(tries));
      }
      return true;
    },
    stop: () => stopped.abort(),
    async settle(limitMs) {
      stopped.abort();
      givesUpAtMs = performance.now() + limitMs;
      await Promise.all(acts);
      await Promise.all(underWay);
    },
    async close() {
      stopped.abort();
      closed.abort();
      givesUpAtMs = 0;
      await Promise.all([...acts, ...attendances]);
    },
  };
}
