import type { IncomingMessage } from 'node:http';
import { Failure } from '#runtime/failure.ts';

export interface Pace {
  /** How long we wait for a client, in all, before its rate is judged. */
  windowMs: number;
  minBytesPerSecond: number;
}

export const defaultPace: Pace = { windowMs: 10_000, minBytesPerSecond: 8 * 1024 };

/**
 * A request's body, chunk by chunk as it came off the socket. Unlike the request's own iterator it leaves the connection
 * open when it is left early, so that a refusal can still be answered, and it does not copy.
 * @throws Failure `too-slow` below the pace (the time that we ourselves take doesn't count), `request-malformed` if
 * the client goes away.
 */
export async function* readBody(request: IncomingMessage, pace: Pace = defaultPace): AsyncGenerator<Buffer> {
  const arrivals = openArrivals(request);
  let waitedMs = 0;
  let bytes = 0;
  try {
    while (true) {
      const chunk = arrivals.take();
      if (chunk !== undefined) {
        bytes += chunk.length;
        yield chunk;
        continue;
      }
      if (request.readableEnded) return;
      if (request.destroyed) throw new Failure('request-malformed', { detail: 'the body ends early' });
      const begunMs = performance.now();
      const isNews = await arrivals.wait(pace.windowMs - waitedMs);
      waitedMs += performance.now() - begunMs;
      if (isNews && waitedMs < pace.windowMs) continue;
      if (bytes < (pace.minBytesPerSecond * pace.windowMs) / 1000) throw new Failure('too-slow');
      waitedMs = 0;
      bytes = 0;
    }
  } finally {
    arrivals.close();
  }
}

interface Arrivals {
  /** The chunk that has come, if any. */
  take(): Buffer | undefined;
  /** Asks for the next chunk. True when it has come or nothing more will; false if `limitMs` passes first. */
  wait(limitMs: number): Promise<boolean>;
  close(): void;
}

function openArrivals(request: IncomingMessage): Arrivals {
  let held: Buffer | undefined;
  let wake: (() => void) | undefined;
  const onData = (chunk: Buffer): void => {
    held = chunk;
    request.pause();
    wake?.();
  };
  const onEnd = (): void => wake?.();
  const endings = ['end', 'close', 'error', 'aborted'];
  request.on('data', onData);
  for (const event of endings) request.on(event, onEnd);
  return {
    take() {
      const chunk = held;
      held = undefined;
      return chunk;
    },
    wait(limitMs) {
      return new Promise((resolve) => {
        const settle = (isNews: boolean): void => {
          clearTimeout(timer);
          wake = undefined;
          resolve(isNews);
        };
        const timer = setTimeout(() => settle(false), Math.max(0, limitMs));
        wake = () => settle(true);
        request.resume();
      });
    },
    close() {
      request.pause();
      request.off('data', onData);
      for (const event of endings) request.off(event, onEnd);
    },
  };
}
