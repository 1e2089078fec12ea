import type { IncomingMessage } from 'node:http';
import { Failure } from '#runtime/failure.ts';

/** Bytes of bodies that may be in memory at once; past it sockets are not read until some is free. */
export interface BodyBudget {
  take(bytes: number, signal: AbortSignal): Promise<void>;
  give(bytes: number): void;
}

interface Waiter {
  bytes: number;
  resolve: () => void;
}

export function openBodyBudget(totalBytes: number): BodyBudget {
  let freeBytes = totalBytes;
  const waiters: Waiter[] = [];
  return {
    take(bytes, signal) {
      const wanted = Math.min(bytes, totalBytes);
      if (waiters.length === 0 && freeBytes >= wanted) {
        freeBytes -= wanted;
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        const waiter = { bytes: wanted, resolve };
        waiters.push(waiter);
        signal.addEventListener(
          'abort',
          () => {
            const index = waiters.indexOf(waiter);
            if (index === -1) return;
            waiters.splice(index, 1);
            reject(new Failure('request-slow'));
          },
          { once: true },
        );
      });
    },
    give(bytes) {
      freeBytes += Math.min(bytes, totalBytes);
      let next = waiters[0];
      while (next !== undefined && freeBytes >= next.bytes) {
        waiters.shift();
        freeBytes -= next.bytes;
        next.resolve();
        next = waiters[0];
      }
    },
  };
}

/** The length that the request declares, or undefined if it is chunked. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

/**
 * Reads a whole body, counting as it comes.
 * @throws Failure `too-large` past `limitBytes`, `request-slow` after `limitMs`, `request-malformed` if the sender goes away.
 */
export function readBody(request: IncomingMessage, limitBytes: number, limitMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('close', onGone);
      request.off('error', onGone);
      action();
    };
    const timer = setTimeout(() => settle(() => reject(new Failure('request-slow'))), limitMs);
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > limitBytes) settle(() => reject(new Failure('too-large')));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    const onGone = (): void => settle(() => reject(new Failure('request-malformed', { detail: 'the body ended early' })));
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('close', onGone);
    request.on('error', onGone);
  });
}
