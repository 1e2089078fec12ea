import { createHash } from 'node:crypto';
import { Failure } from '#runtime/failure.ts';
import { passCheckpoint, type Checkpoint } from '#uploads/checkpoint.ts';
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
   * Resolves when the next chunk may come.
   * @throws Failure `storage-full`, and whatever the storage throws.
   */
  ready(): Promise<void>;
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

  async function create(): Promise<IncomingFile> {
    incoming = await creating;
    checkpoint('file-created');
    return incoming;
  }

  async function writeTaken(): Promise<IncomingFile> {
    const file = incoming ?? (await create());
    for (let chunk = taken.shift(); chunk !== undefined; chunk = taken.shift()) await file.write(chunk);
    return file;
  }

  return {
    take(chunk) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      hash.update(chunk);
      taken.push(chunk);
    },
    async ready() {
      await writeTaken();
    },
    async end() {
      const file = await writeTaken();
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
 * @throws Failure as the reception does, and whatever the source throws.
 */
export async function receive(reception: Reception, source: AsyncIterable<Buffer>): Promise<ReceivedFile> {
  try {
    for await (const chunk of source) {
      reception.take(chunk);
      await reception.ready();
    }
    return await reception.end();
  } catch (error) {
    await reception.abort();
    throw error;
  }
}

export function tooLarge(maxBytes: number): Failure {
  return new Failure('too-large', {
    detail: `at most ${maxBytes} bytes are taken`,
    members: { maxBytes },
    headers: { 'upload-limit': `max-size=${maxBytes}` },
  });
}
