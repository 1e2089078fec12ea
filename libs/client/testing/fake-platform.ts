import { setImmediate as turn } from 'node:timers/promises';
import type { Platform } from '../platform.ts';

export interface FakePlatform extends Platform {
  /** Lets time pass; what is due runs, and what follows from it. */
  advance(ms: number): Promise<void>;
  /** Lets time pass until `promise` is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Sets the local clock without time passing. */
  setClock: (ms: number) => void;
  /** As when the network or the page comes back. */
  wake(): void;
  cookie: string;
}

interface Timer {
  atMs: number;
  run: () => void;
}

/** A browser with a clock of its own, no locks, and no other tabs. */
export function openFakePlatform(fetch: Platform['fetch'], parts: Partial<Platform> = {}): FakePlatform {
  let passedMs = 0;
  let clockMs = Date.parse('2026-11-24T12:00:00Z');
  const timers = new Set<Timer>();
  const wakers = new Set<() => void>();

  function start(ms: number, run: () => void): () => void {
    const timer = { atMs: passedMs + ms, run };
    timers.add(timer);
    return () => timers.delete(timer);
  }

  const platform: FakePlatform = {
    fetch,
    now: () => clockMs,
    random: () => 0.5,
    after: start,
    sleep: start,
    sendForm: ({ url, headers, form, signal }) =>
      fetch(url, { method: 'POST', headers, body: form, ...(signal ? { signal } : {}) }),
    cookie: '',
    cookies: () => platform.cookie,
    locks: undefined,
    openChannel: undefined,
    onWake(run) {
      wakers.add(run);
      return () => wakers.delete(run);
    },
    wake: () => wakers.forEach((run) => run()),
    setClock(ms) {
      clockMs = ms;
    },
    async advance(ms) {
      const untilMs = passedMs + ms;
      await settle();
      while (true) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        const stepMs = (next?.atMs ?? untilMs) - passedMs;
        passedMs += stepMs;
        clockMs += stepMs;
        if (next === undefined) return;
        timers.delete(next);
        next.run();
        await settle();
      }
    },
    async until(promise) {
      const settled = promise.then(
        () => true,
        () => true,
      );
      for (let seconds = 0; seconds < 300; seconds += 1) {
        if (await Promise.race([settled, platform.advance(1_000)])) break;
      }
      return promise;
    },
    ...parts,
  };
  return platform;
}

/** What promises lead to without time passing. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await turn();
}
