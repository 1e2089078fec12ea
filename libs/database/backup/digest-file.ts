import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BackedUpFile } from '#database/backup/manifest.ts';

/** Writes a new file that only its owner may read, synced, and says what is in it. */
export async function writeDigested(directory: string, path: string, ...source: [Readable, ...Transform[]]) {
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const target = join(directory, path);
  await pipeline([...source, measure, createWriteStream(target, { flags: 'wx', mode: 0o600 })]);
  await sync(target);
  return { path, bytes, sha256: hash.digest('hex') } satisfies BackedUpFile;
}

/** @throws Error unless the file is as the manifest has it. */
export async function checkDigest(directory: string, { path, bytes, sha256 }: BackedUpFile): Promise<void> {
  const hash = createHash('sha256');
  let found = 0;
  for await (const chunk of createReadStream(join(directory, path))) {
    hash.update(chunk as Buffer);
    found += (chunk as Buffer).length;
  }
  if (found !== bytes || hash.digest('hex') !== sha256) throw new Error(`${path} is not as it was backed up`);
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
