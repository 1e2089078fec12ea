export interface ServerClock {
  /** The server's time in ms, as far as it is known. */
  now(): number;
  /** What the local clock is behind, in ms. */
  offsetMs: number;
  /** Learns from the `Date` of an answer that was not taken from a cache. */
  learn(headers: Headers): void;
}

/** `Date` has whole seconds and answers take their time; less than this is no change of the local clock. */
const TOLERANCE_MS = 5_000;

/** The local clock may be wrong, and may be set while we run: it only bridges the time between two answers. */
export function openServerClock(localNow: () => number): ServerClock {
  return {
    offsetMs: 0,
    now() {
      return localNow() + this.offsetMs;
    },
    learn(headers) {
      const serverMs = Date.parse(headers.get('date') ?? '');
      if (Number.isNaN(serverMs) || headers.has('age')) return;
      if (Math.abs(serverMs - this.now()) > TOLERANCE_MS) this.offsetMs = serverMs - localNow();
    },
  };
}
