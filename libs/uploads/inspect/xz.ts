import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';
import type { UnpackBudget } from '#uploads/inspect/unpack-budget.ts';

const STREAM_HEADER_BYTES = 12;
const STREAM_FOOTER_BYTES = 12;
const SIGNATURE = Buffer.from('fd377a585a00', 'hex');
const CHECK_BYTES: Record<number, number> = { 0: 0, 1: 4, 4: 8, 10: 32 };
const FILTER_LZMA2 = 0x21;

/**
 * Measures what an xz file unpacks to without unpacking it: every LZMA2 chunk says its size, and a decoder believes
 * nothing else (xz file format 1.2.1 §3 to §5). The content itself is left to the scanner.
 */
export function inspectXz(bytes: FileBytes, budget: UnpackBudget): void {
  const content = budget.openMember(bytes.size);
  let at = 0;
  while (at < bytes.size) {
    budget.addEntry();
    const header = bytes.read(at, STREAM_HEADER_BYTES);
    const checkBytes = CHECK_BYTES[header[7] ?? -1];
    if (!header.subarray(0, 6).equals(SIGNATURE) || checkBytes === undefined)
      throw malformed('bytes that are no xz stream');
    at += STREAM_HEADER_BYTES;
    while (bytes.read(at, 1)[0] !== 0) {
      at = endOfBlock(bytes, at, (size) => content.grew(size));
      at += checkBytes;
      if (at >= bytes.size) throw malformed('an xz stream that ends early');
    }
    at = endOfIndex(bytes, at) + STREAM_FOOTER_BYTES;
    if (at > bytes.size || bytes.read(at - 2, 2).toString('latin1') !== 'YZ')
      throw malformed('an xz stream without its footer');
    while (bytes.read(at, 4).equals(Buffer.alloc(4))) at += 4;
  }
}

function endOfBlock(bytes: FileBytes, start: number, grew: (size: number) => void): number {
  const headerBytes = ((bytes.read(start, 1)[0] ?? 0) + 1) * 4;
  const header = bytes.read(start, headerBytes);
  if ((header[1] ?? 0) & 0x3c) throw malformed('an xz block with unknown flags');
  let field = 2;
  const skipNumber = (): void => {
    while (((header[field] ?? 0) & 0x80) !== 0) field += 1;
    field += 1;
  };
  const filters = ((header[1] ?? 0) & 3) + 1;
  if (((header[1] ?? 0) & 0x40) !== 0) skipNumber();
  if (((header[1] ?? 0) & 0x80) !== 0) skipNumber();
  for (let filter = 1; filter < filters; filter += 1) {
    skipNumber();
    field += 1 + (header[field] ?? 0);
  }
  if (header[field] !== FILTER_LZMA2) throw malformed('an xz block with an unknown filter');
  const end = endOfLzma2(bytes, start + headerBytes, grew);
  return start + headerBytes + Math.ceil((end - start - headerBytes) / 4) * 4;
}

/** LZMA2: a control byte, then sizes, both less one. 0 ends; 1 and 2 are stored; 0x80 and above are packed. */
function endOfLzma2(bytes: FileBytes, start: number, grew: (size: number) => void): number {
  let at = start;
  while (true) {
    const head = bytes.read(at, 6);
    const control = head[0];
    if (control === 0) return at + 1;
    if (control === undefined || head.length < 6) throw malformed('an xz stream that ends early');
    if (control <= 2) {
      const size = head.readUInt16BE(1) + 1;
      grew(size);
      at += 3 + size;
    } else if (control >= 0x80) {
      grew(((control & 0x1f) << 16) + head.readUInt16BE(1) + 1);
      at += (control >= 0xc0 ? 6 : 5) + head.readUInt16BE(3) + 1;
    } else throw malformed('an xz chunk that is none');
  }
}

function endOfIndex(bytes: FileBytes, start: number): number {
  let at = start + 1;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = bytes.read(at, 1)[0] ?? 0;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw malformed('an xz index that is broken');
  };
  const records = number();
  if (records > bytes.size) throw malformed('an xz index that is broken');
  for (let record = 0; record < records; record += 1) {
    number();
    number();
  }
  return start + Math.ceil((at - start) / 4) * 4 + 4;
}

function malformed(detail: string): Refusal {
  return new Refusal('archive-malformed', detail);
}
