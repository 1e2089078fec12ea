import { deflateRawSync } from 'node:zlib';
import { sourceOf } from '#uploads/canary.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import type { Scanner, ScanSource } from '#uploads/scanner.ts';
import { buildZip, type ZipPart } from '#uploads/store-zip.ts';
import { eicar } from '#uploads/test-signatures.ts';

/**
 * Asks the scanner for EICAR at the very end of our own limits: it must be found there, or clamd reads less than we
 * accept.
 * @returns the limits at which it was not found; none if all is well.
 */
export async function exceededLimits(scanner: Scanner, maxBytes: number, signal?: AbortSignal): Promise<string[]> {
  const exceeded: string[] = [];
  for (const [limit, build] of Object.entries(canaries(maxBytes))) {
    const verdict = await scanner.scan(build(), signal);
    if (verdict.kind !== 'infected') exceeded.push(limit);
  }
  return exceeded;
}

type Canaries = Record<string, () => ScanSource>;

function canaries(maxBytes: number): Canaries {
  const { entries, depth, memberBytes, unpackedBytes } = inspectionLimits;
  return {
    'StreamMaxLength is below UPLOAD_MAX_BYTES': () => sourceOf(...padded(maxBytes)),
    'MaxFiles is below the number of entries that are accepted': () =>
      sourceOf(...buildZip([...emptyParts(entries - 1), bait()])),
    'MaxRecursion is below the depth that is accepted': () => sourceOf(nested(depth)),
    'MaxFileSize is below the size of a member that is accepted': () =>
      sourceOf(...buildZip([packed('inner.zip', Buffer.concat(padded(memberBytes)))])),
    'MaxScanSize is below the unpacked size that is accepted': () => {
      const filler = packed('filler', Buffer.alloc(memberBytes));
      const count = Math.floor(unpackedBytes / memberBytes) - 1;
      const fillers = Array.from({ length: count }, (_, index) => ({ ...filler, name: `filler${index}` }));
      return sourceOf(...buildZip([...fillers, bait()]));
    },
  };
}

function bait(): ZipPart {
  return { name: 'eicar.txt', data: eicar() };
}

/** A stored ZIP of about `sizeBytes` with the bait behind everything else. */
function padded(sizeBytes: number): Buffer[] {
  const overhead = Buffer.concat(buildZip([{ name: 'filler', data: Buffer.alloc(0) }, bait()])).length;
  return buildZip([{ name: 'filler', data: Buffer.alloc(Math.max(0, sizeBytes - overhead)) }, bait()]);
}

function packed(name: string, data: Buffer): ZipPart {
  return { name, data, packed: deflateRawSync(data, { level: 1 }) };
}

function emptyParts(count: number): ZipPart[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${index}.txt`, data: Buffer.from('-') }));
}

function nested(depth: number): Buffer {
  let file = Buffer.concat(buildZip([bait()]));
  for (let level = 1; level < depth; level += 1) file = Buffer.concat(buildZip([{ name: 'inner.zip', data: file }]));
  return file;
}
