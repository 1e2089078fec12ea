import type { IncomingMessage } from 'node:http';
import { Failure } from '#runtime/failure.ts';

export interface Pace {
  /** How long we wait for a client, in all, before its rate is judged. */
  windowMs: number;
  minBytesPerSecond: number;
}

export const defaultPace: Pace = { windowMs: 10_000, minBytesPerSecond: 8 * 1024 };

/** A request's body, chunk by chunk as it came off the socket. */
export interface RequestBody {
  /**
   * The next chunk, or undefined after the last; nothing more is read off the socket until it is asked for.
   * @throws Failure `too-slow` below the pace (the time that we ourselves take doesn't count), `request-malformed` if
   * the client goes away.
   */
  next(): Promise<Buffer | undefined>;
  /** Leaves the connection open, so that a refusal can still be answered. */
  close(): void;
}

const ENDINGS = ['end', 'close', 'error', 'aborted'];

/** Unlike the request's own iterator it does not copy, and makes one promise a chunk; an upload has thousands of them. */
export function openBody(request: IncomingMessage, pace: Pace = defaultPace): RequestBody {
  let held: Buffer | undefined;
  let waiter: PromiseWithResolvers<Buffer | undefined> | undefined;
  let waitedMs = 0;
  let waitsSinceMs = 0;
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  function settle(): PromiseWithResolvers<Buffer | undefined> | undefined {
    const settled = waiter;
    if (settled !== undefined) waitedMs += performance.now() - waitsSinceMs;
    waiter = undefined;
    return settled;
  }

  function onData(chunk: Buffer): void {
    bytes += chunk.length;
    request.pause();
    if (waiter === undefined) held = chunk;
    else settle()?.resolve(chunk);
  }

  function onEnd(): void {
    if (waiter === undefined) return;
    if (request.readableEnded) settle()?.resolve(undefined);
    else if (request.destroyed) settle()?.reject(endsEarly());
  }

  /** Judges the rate when we have waited for a window's time; one timer does for all the waits in between. */
  function watch(): void {
    timer = undefined;
    if (waiter === undefined) return;
    const nowMs = performance.now();
    waitedMs += nowMs - waitsSinceMs;
    waitsSinceMs = nowMs;
    if (waitedMs >= pace.windowMs) {
      if (bytes < (pace.minBytesPerSecond * pace.windowMs) / 1000) {
        settle()?.reject(new Failure('too-slow'));
        return;
      }
      waitedMs = 0;
      bytes = 0;
    }
    arm();
  }

  function arm(): void {
    timer ??= setTimeout(watch, Math.max(1, pace.windowMs - waitedMs));
  }

  request.on('data', onData);
  for (const event of ENDINGS) request.on(event, onEnd);
  return {
    next() {
      if (held !== undefined) {
        const chunk = held;
        held = undefined;
        return Promise.resolve(chunk);
      }
      if (request.readableEnded) return Promise.resolve(undefined);
      if (request.destroyed) return Promise.reject(endsEarly());
      waiter = Promise.withResolvers();
      waitsSinceMs = performance.now();
      arm();
      request.resume();
      return waiter.promise;
    },
    close() {
      clearTimeout(timer);
      request.pause();
      request.off('data', onData);
      for (const event of ENDINGS) request.off(event, onEnd);
    },
  };
}

function endsEarly(): Failure {
  return new Failure('request-malformed', { detail: 'the body ends early' });
}
