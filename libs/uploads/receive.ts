import { createHash } from 'node:crypto';
import { Failure } from '#runtime/failure.ts';
import { passCheckpoint, type Checkpoint } from '#uploads/checkpoint.ts';
import type { IncomingFile, Storage } from '#uploads/storage.ts';

export interface ReceivedFile {
  incoming: IncomingFile;
  sizeBytes: number;
  sha256: Buffer;
}

/**
 * Streams bytes into quarantine once: counted, hashed, never held. What fails in the middle leaves no file; what is
 * returned is not durable until `incoming.commit()`.
 * @throws Failure `too-large`, `file-empty`, `storage-full`, and whatever the source throws.
 */
export async function receive(
  storage: Storage,
  source: AsyncIterable<Buffer>,
  { maxBytes, checkpoint = passCheckpoint }: { maxBytes: number; checkpoint?: Checkpoint | undefined },
): Promise<ReceivedFile> {
  const incoming = await storage.create();
  checkpoint('file-created');
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of source) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      hash.update(chunk);
      await incoming.write(chunk);
    }
    if (sizeBytes === 0) throw new Failure('file-empty');
    return { incoming, sizeBytes, sha256: hash.digest() };
  } catch (error) {
    await incoming.abort();
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
