import { createHash } from 'node:crypto';
import { Failure } from '#runtime/failure.ts';
import { passCheckpoint, type Checkpoint } from '#uploads/checkpoint.ts';
import type { RequestBody } from '#uploads/read-body.ts';
import type { IncomingFile, Storage } from '#uploads/storage.ts';

export interface ReceivedFile {
  incoming: IncomingFile;
  sizeBytes: number;
  sha256: Buffer;
}

/** One file on its way into quarantine: counted and hashed, and never held as a whole. */
export interface Reception<T = ReceivedFile> {
  /**
   * Takes a chunk, which is given away.
   * @throws Failure `too-large`.
   */
  take(chunk: Buffer): void;
  /**
   * Undefined if the next chunk may come at once; otherwise it resolves when it may.
   * @throws Failure `storage-full`, and whatever the storage throws.
   */
  ready(): Promise<void> | undefined;
  /**
   * Not durable until `incoming.commit()`.
   * @throws Failure `file-empty`, and what `ready` throws.
   */
  end(): Promise<T>;
  /** Leaves no file, also after the end. Never throws. */
  abort(): Promise<void>;
}

export interface ReceptionLimits {
  maxBytes: number;
  checkpoint?: Checkpoint | undefined;
}

export function openReception(storage: Storage, { maxBytes, checkpoint = passCheckpoint }: ReceptionLimits): Reception {
  const creating = storage.create();
  // Told to whoever waits for it.
  creating.catch(() => undefined);
  const hash = createHash('sha256');
  const taken: Buffer[] = [];
  let incoming: IncomingFile | undefined;
  let sizeBytes = 0;

  async function created(): Promise<IncomingFile> {
    if (incoming !== undefined) return incoming;
    incoming = await creating;
    checkpoint('file-created');
    return incoming;
  }

  async function writeTaken(): Promise<void> {
    const file = await created();
    for (let chunk = taken.shift(); chunk !== undefined; chunk = taken.shift()) await file.write(chunk);
  }

  return {
    take(chunk) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      hash.update(chunk);
      taken.push(chunk);
    },
    ready() {
      if (incoming === undefined || taken.length > 1) return writeTaken();
      const chunk = taken.pop();
      return chunk && incoming.write(chunk);
    },
    async end() {
      await writeTaken();
      const file = await created();
      if (sizeBytes === 0) throw new Failure('file-empty');
      return { incoming: file, sizeBytes, sha256: hash.digest() };
    },
    async abort() {
      await creating.then((file) => file.abort()).catch(() => undefined);
    },
  };
}

/**
 * Streams bytes into quarantine once. What fails in the middle leaves no file.
 * @throws Failure as the reception and the body do.
 */
export async function receive(reception: Reception, body: RequestBody): Promise<ReceivedFile> {
  try {
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
      reception.take(chunk);
      const notReady = reception.ready();
      if (notReady !== undefined) await notReady;
    }
    return await reception.end();
  } catch (error) {
    await reception.abort();
    throw error;
  } finally {
    body.close();
  }
}

export function tooLarge(maxBytes: number): Failure {
  return new Failure('too-large', {
    detail: `at most ${maxBytes} bytes are taken`,
    members: { maxBytes },
    headers: { 'upload-limit': `max-size=${maxBytes}` },
  });
}
