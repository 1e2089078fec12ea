import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pdf } from '../../libs/testing/files/documents.ts';
import { png } from '../../libs/testing/files/images.ts';

export interface BenchFile {
  name: string;
  type: string;
  bytes: Buffer;
}

const ENVELOPE_BYTES = 512;

/** Images and documents in turn, each other than all before, so that no verdict is known already. */
export function makeFiles(count: number, sizeBytes: number): BenchFile[] {
  return Array.from({ length: count }, (_, n) =>
    n % 2 === 0
      ? { name: `image-${n}.png`, type: 'image/png', bytes: imageOf(sizeBytes) }
      : { name: `document-${n}.pdf`, type: 'application/pdf', bytes: documentOf(sizeBytes) },
  );
}

export function imageOf(sizeBytes: number): Buffer {
  return png({ chunks: [['prVt', randomBytes(sizeBytes - ENVELOPE_BYTES)]] });
}

function documentOf(sizeBytes: number): Buffer {
  const hex = randomBytes((sizeBytes - ENVELOPE_BYTES) >> 1).toString('hex');
  const stream = `<< /Filter /ASCIIHexDecode /Length ${hex.length + 1} >>\nstream\n${hex}>\nendstream`;
  return pdf({ objects: `4 0 obj\n${stream}\nendobj` });
}

/** For a scanner that reads from the disk. */
export function writeFiles(directory: string, files: readonly BenchFile[]): void {
  mkdirSync(directory, { recursive: true });
  for (const { name, bytes } of files) writeFileSync(join(directory, name), bytes);
}
