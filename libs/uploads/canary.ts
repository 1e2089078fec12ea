import { createHash, randomBytes } from 'node:crypto';
import type { Scanner, ScanSource } from '#uploads/scanner.ts';
import { eicar } from '#uploads/test-signatures.ts';

const CHUNK_BYTES = 128 * 1024;

/** A source that is held in memory. */
export function sourceOf(...parts: readonly Buffer[]): ScanSource {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return {
    sizeBytes: parts.reduce((sum, part) => sum + part.length, 0),
    sha256: hash.digest(),
    async *read() {
      for (const part of parts) {
        for (let at = 0; at < part.length; at += CHUNK_BYTES) yield part.subarray(at, at + CHUNK_BYTES);
      }
    },
  };
}

/** Whether the scanner finds what every scanner must find, and nothing where there is nothing. */
export async function sings(scanner: Scanner, signal?: AbortSignal): Promise<boolean> {
  const [found, clean] = await Promise.all([
    scanner.scan(sourceOf(eicar()), signal),
    scanner.scan(sourceOf(Buffer.from(`clean ${randomBytes(16).toString('hex')}\n`)), signal),
  ]);
  return found.kind === 'infected' && clean.kind === 'clean';
}
