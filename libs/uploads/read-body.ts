import type { IncomingMessage } from 'node:http';
import { Failure } from '#runtime/failure.ts';

export interface Pace {
  /** How long we wait for a client, in all, before its rate is judged. */
  windowMs: number;
  minBytesPerSecond: number;
}

export const defaultPace: Pace = { windowMs: 10_000, minBytesPerSecond: 8 * 1024 };

/**
 * A request's body, chunk by chunk. Unlike the request's own iterator it leaves the connection open when it is left
 * early, so that a refusal can still be answered.
 * @throws Failure `too-slow` below the pace (the time that we ourselves take doesn't count), `request-malformed` if
 * the client goes away.
 */
export async function* readBody(request: IncomingMessage, pace: Pace = defaultPace): AsyncGenerator<Buffer> {
  let waitedMs = 0;
  let bytes = 0;
  while (true) {
    const chunk = request.read() as Buffer | null;
    if (chunk !== null) {
      bytes += chunk.length;
      yield chunk;
      continue;
    }
    if (request.readableEnded) return;
    if (request.destroyed) throw new Failure('request-malformed', { detail: 'the body ends early' });
    const begunMs = performance.now();
    const arrived = await nextArrival(request, pace.windowMs - waitedMs);
    waitedMs += performance.now() - begunMs;
    if (arrived && waitedMs < pace.windowMs) continue;
    if (bytes < (pace.minBytesPerSecond * pace.windowMs) / 1000) throw new Failure('too-slow');
    waitedMs = 0;
    bytes = 0;
  }
}

/** Resolves when there is something to read or nothing more will come; false if `limitMs` passes first. */
function nextArrival(request: IncomingMessage, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const events = ['readable', 'end', 'close', 'error', 'aborted'];
    const settle = (arrived: boolean): void => {
      clearTimeout(timer);
      for (const event of events) request.off(event, onEvent);
      resolve(arrived);
    };
    const onEvent = (): void => settle(true);
    const timer = setTimeout(() => settle(false), Math.max(0, limitMs));
    for (const event of events) request.on(event, onEvent);
  });
}
