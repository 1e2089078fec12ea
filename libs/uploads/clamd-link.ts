import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { inconclusive } from '#uploads/clamd-reply.ts';

const MAX_REPLY_BYTES = 4_096;

/** One INSTREAM conversation, of which the client sees nothing but one whole answer. */
export interface ClamdLink {
  /** What the client writes goes to clamd; what it reads is the whole answer, once there is one. Never an error. */
  stream: Duplex;
  /** Everything that clamd said until it closed. Rejects with `scan-inconclusive`. */
  reply: Promise<Buffer>;
  /** Whether clamd first said something after everything, the terminator included, had gone out. */
  wasAnswerLast(): boolean;
  /** Resolves when this chunk, which the client is about to write, is out of its memory; never after clamd has answered. */
  sent(chunk: Buffer): Promise<void>;
}

export function openClamdLink(socket: Socket): ClamdLink {
  const chunks: Buffer[] = [];
  const reply = Promise.withResolvers<Buffer>();
  reply.promise.catch(() => undefined);
  const stuck = new Promise<void>(() => undefined);
  let replyBytes = 0;
  let hasEnded = false;
  let wasAllSent: boolean | undefined;
  let awaited: { chunk: Buffer; onSent: () => void } | undefined;

  const stream = new Duplex({
    write(chunk: Buffer, _encoding, done) {
      hasEnded = isTerminator(chunk);
      if (socket.destroyed) {
        done();
        return;
      }
      socket.write(chunk, () => {
        if (awaited !== undefined && isSameMemory(awaited.chunk, chunk)) awaited.onSent();
        done();
      });
    },
    final(done) {
      done();
    },
    read() {
      // Fed by the end of the answer.
    },
  });
  stream.on('error', () => undefined);

  socket.on('data', (chunk: Buffer) => {
    wasAllSent ??= hasEnded && stream.writableLength === 0 && socket.writableLength === 0;
    chunks.push(chunk);
    replyBytes += chunk.length;
    if (replyBytes <= MAX_REPLY_BYTES) return;
    reply.reject(inconclusive('bad-reply'));
    socket.destroy();
  });
  socket.on('error', (error) => reply.reject(inconclusive('io', error)));
  const onEnd = (): void => {
    const whole = Buffer.concat(chunks);
    reply.resolve(whole);
    stream.push(whole);
    stream.push(null);
    socket.destroy();
  };
  socket.on('end', onEnd);
  socket.on('close', () => reply.reject(inconclusive('closed-without-reply')));

  return {
    stream,
    reply: reply.promise,
    wasAnswerLast: () => wasAllSent === true,
    sent(chunk) {
      if (wasAllSent !== undefined || socket.destroyed) return stuck;
      return new Promise((resolve) => {
        awaited = { chunk, onSent: resolve };
      });
    },
  };
}

/** The package writes the zero length that ends a stream as a chunk of its own. */
function isTerminator(chunk: Buffer): boolean {
  return chunk.length === 4 && chunk.readUInt32BE(0) === 0;
}

function isSameMemory(one: Buffer, other: Buffer): boolean {
  return one.buffer === other.buffer && one.byteOffset === other.byteOffset && one.length === other.length;
}
