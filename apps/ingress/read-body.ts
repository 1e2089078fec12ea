import type { IncomingMessage } from 'node:http';
import type { Deadlines } from '#runtime/deadlines.ts';
import { Failure } from '#runtime/failure.ts';

/** A reader this small is never held up. */
const SMALL_BODY_BYTES = 16 * 1024;

interface Reader {
  request: IncomingMessage;
  bytes: number;
  isPaused: boolean;
}

/**
 * What bodies in flight may take together. While they take more, sockets are not read, except for the reader that came
 * first: so one always gets on, and the others follow.
 */
export interface BodyBudget {
  open(request: IncomingMessage): { grew(bytes: number): void; close(): void };
  readonly usedBytes: number;
}

export function openBodyBudget(totalBytes: number): BodyBudget {
  const readers = new Set<Reader>();
  let usedBytes = 0;

  function wake(): void {
    let isFirst = true;
    for (const reader of readers) {
      if (reader.isPaused && (isFirst || usedBytes <= totalBytes)) {
        reader.isPaused = false;
        reader.request.resume();
      }
      isFirst = false;
    }
  }

  return {
    get usedBytes() {
      return usedBytes;
    },
    open(request) {
      const reader: Reader = { request, bytes: 0, isPaused: false };
      readers.add(reader);
      return {
        grew(bytes) {
          reader.bytes += bytes;
          usedBytes += bytes;
          const [first] = readers;
          if (usedBytes > totalBytes && reader.bytes > SMALL_BODY_BYTES && reader !== first) {
            reader.isPaused = true;
            request.pause();
          }
        },
        close() {
          if (!readers.delete(reader)) return;
          usedBytes -= reader.bytes;
          wake();
        },
      };
    },
  };
}

export interface ReadLimits {
  maxBytes: number;
  /** How long the whole body may take. */
  deadlines: Deadlines;
}

/**
 * Reads a whole body, counting as it comes, and passes it to `use`; the body counts against the budget until that settles.
 * @throws Failure `too-large`, `request-slow`, or `request-malformed` if the sender goes away.
 */
export async function withBody<T>(
  request: IncomingMessage,
  budget: BodyBudget,
  limits: ReadLimits,
  use: (body: Buffer) => Promise<T>,
): Promise<T> {
  const share = budget.open(request);
  try {
    return await use(await readBody(request, limits, (bytes) => share.grew(bytes)));
  } finally {
    share.close();
  }
}

function readBody(request: IncomingMessage, { maxBytes, deadlines }: ReadLimits, grew: (bytes: number) => void) {
  return new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (action: () => void): void => {
      arrived();
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
      action();
    };
    const arrived = deadlines.add(() => settle(() => reject(new Failure('request-slow'))));
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        settle(() => reject(new Failure('too-large')));
        return;
      }
      chunks.push(chunk);
      grew(chunk.length);
    };
    const onEnd = (): void =>
      settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    const onGone = (): void =>
      settle(() => reject(new Failure('request-malformed', { detail: 'the body ended early' })));
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  });
}
