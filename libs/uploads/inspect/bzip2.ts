import { BitReader } from '#uploads/inspect/bit-reader.ts';
import { BLOCK_UNIT_BYTES, readBlock } from '#uploads/inspect/bzip2-block.ts';
import type { FileBytes } from '#uploads/inspect/file-bytes.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';
import type { UnpackBudget } from '#uploads/inspect/unpack-budget.ts';

const BLOCK = 0x314159265359;
const END = 0x177245385090;

/** Measures what a bzip2 file unpacks to by unpacking it; the content itself is left to the scanner. */
export function inspectBzip2(bytes: FileBytes, budget: UnpackBudget): void {
  const content = budget.openMember(bytes.size);
  const bits = new BitReader(bytes);
  while (bits.hasMore()) {
    budget.addEntry();
    const level = levelOf(bits);
    while (true) {
      const magic = bits.read(24) * 2 ** 24 + bits.read(24);
      bits.read(16);
      bits.read(16);
      if (bits.isOver) throw malformed('bzip2 data that ends early');
      if (magic === END) break;
      if (magic !== BLOCK) throw malformed('a bzip2 block that is none');
      countRuns(readBlock(bits, level * BLOCK_UNIT_BYTES), (size) => content.grew(size));
    }
    bits.alignToByte();
  }
}

function levelOf(bits: BitReader): number {
  const signature = String.fromCharCode(bits.read(8), bits.read(8), bits.read(8));
  const level = bits.read(8) - 0x30;
  if (signature !== 'BZh' || level < 1 || level > 9) throw malformed('bytes that are no bzip2 stream');
  return level;
}

/** The last step of unpacking: four equal bytes are followed by how many more there are. */
function countRuns(block: Iterable<number>, grew: (size: number) => void): void {
  let size = 0;
  let previous = -1;
  let run = 0;
  for (const byte of block) {
    if (run === 4) {
      size += byte;
      run = 0;
      previous = -1;
      if (size > 1 << 20) {
        grew(size);
        size = 0;
      }
      continue;
    }
    size += 1;
    run = byte === previous ? run + 1 : 1;
    previous = byte;
  }
  grew(size);
}

function malformed(detail: string): Refusal {
  return new Refusal('archive-malformed', detail);
}
