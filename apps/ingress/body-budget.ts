import type { IncomingMessage } from 'node:http';
import { openBlockStore, type BlockStore } from '#runtime/block-store.ts';

/** A body this small is never held up. */
const SMALL_BODY_BYTES = 16 * 1024;
/** What a socket that is not read has taken in all the same: one read of the system, and one of the stream. */
const HELD_UP_BYTES = 128 * 1024;

/** The rest is for what the sockets of some two hundred readers hold that are not read. */
const GATHERED_SHARE = 0.5;
/** Blocks that nobody uses, of any body: the others are given back, for sockets may need the memory next. */
const KEPT_BYTES = 4 * 1024 * 1024;

interface Reader {
  request: IncomingMessage;
  bytes: number;
  isPaused: boolean;
  wasHeldUp: boolean;
}

/** What one body takes of the budget. */
export interface BodyShare {
  grew(bytes: number): void;
  /** Whether its socket was not read for a while since this was last asked. */
  wasHeldUp(): boolean;
  close(): void;
}

/**
 * What bodies in flight may take together. While they take more, sockets are not read, except for the reader that came
 * first: so one always gets on, and the others follow in their order.
 */
export interface BodyBudget {
  open(request: IncomingMessage): BodyShare;
  readonly usedBytes: number;
  /** Where large bodies are gathered. */
  readonly blocks: BlockStore;
}

export function openBodyBudget(totalBytes: number): BodyBudget {
  const gatheredBytes = totalBytes * GATHERED_SHARE;
  const readers = new Set<Reader>();
  let usedBytes = 0;

  function holdUpIfFull(reader: Reader): void {
    const [first] = readers;
    if (usedBytes <= gatheredBytes || reader === first) return;
    reader.isPaused = true;
    reader.wasHeldUp = true;
    reader.request.pause();
  }

  /** Only as many as there is room for: all of them would take in a little each before they were stopped again. */
  function wake(): void {
    const [first] = readers;
    let roomBytes = gatheredBytes - usedBytes;
    for (const reader of readers) {
      if (reader !== first && roomBytes < HELD_UP_BYTES) break;
      if (!reader.isPaused) continue;
      reader.isPaused = false;
      roomBytes -= HELD_UP_BYTES;
      reader.request.resume();
    }
  }

  return {
    blocks: openBlockStore({ keepBytes: KEPT_BYTES }),
    get usedBytes() {
      return usedBytes;
    },
    open(request) {
      const reader: Reader = { request, bytes: 0, isPaused: false, wasHeldUp: false };
      readers.add(reader);
      if (mayBeLarge(request)) holdUpIfFull(reader);
      return {
        grew(bytes) {
          reader.bytes += bytes;
          usedBytes += bytes;
          if (reader.bytes > SMALL_BODY_BYTES) holdUpIfFull(reader);
        },
        wasHeldUp() {
          const was = reader.wasHeldUp;
          reader.wasHeldUp = reader.isPaused;
          return was;
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

function mayBeLarge({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return length === undefined ? headers['transfer-encoding'] !== undefined : Number(length) > SMALL_BODY_BYTES;
}
