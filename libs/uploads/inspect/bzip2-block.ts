import type { BitReader } from '#uploads/inspect/bit-reader.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';

export const BLOCK_UNIT_BYTES = 100_000;

const GROUP_SYMBOLS = 50;
const MAX_CODE_BITS = 20;
const RUN_A = 0;
const RUN_B = 1;

/** One block of bzip2 behind its magic and CRC, up to and with the inverse Burrows-Wheeler transform. */
export function* readBlock(bits: BitReader, maxBytes: number): Generator<number> {
  if (bits.read(1) === 1) throw malformed();
  const origin = bits.read(24);
  const alphabet = readAlphabet(bits);
  const { table, counts } = readSymbols(bits, alphabet, maxBytes);
  if (origin >= table.length) throw malformed();
  const next = inverse(table, counts);
  let at = next[origin] ?? 0;
  for (let index = 0; index < table.length; index += 1) {
    yield table[at] ?? 0;
    at = next[at] ?? 0;
  }
}

function inverse(table: Uint8Array, counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(256);
  for (let byte = 1; byte < 256; byte += 1) starts[byte] = (starts[byte - 1] ?? 0) + (counts[byte - 1] ?? 0);
  const next = new Uint32Array(table.length);
  for (let index = 0; index < table.length; index += 1) {
    const byte = table[index] ?? 0;
    const place = starts[byte] ?? 0;
    next[place] = index;
    starts[byte] = place + 1;
  }
  return next;
}

function readAlphabet(bits: BitReader): number[] {
  const used = bits.read(16);
  const alphabet: number[] = [];
  for (let high = 0; high < 16; high += 1) {
    if ((used & (0x8000 >> high)) === 0) continue;
    const row = bits.read(16);
    for (let low = 0; low < 16; low += 1) if ((row & (0x8000 >> low)) !== 0) alphabet.push(high * 16 + low);
  }
  if (alphabet.length === 0) throw malformed();
  return alphabet;
}

function readSymbols(
  bits: BitReader,
  alphabet: number[],
  maxBytes: number,
): { table: Uint8Array; counts: Uint32Array } {
  const end = alphabet.length + 1;
  const next = openDecoder(bits, end + 1);
  const recent = [...alphabet];
  const table = new Uint8Array(maxBytes);
  const counts = new Uint32Array(256);
  let size = 0;
  const put = (byte: number, count: number): void => {
    if (size + count > maxBytes) throw malformed();
    table.fill(byte, size, size + count);
    counts[byte] = (counts[byte] ?? 0) + count;
    size += count;
  };
  let symbol = next();
  while (symbol !== end) {
    let run = 0;
    for (let weight = 1; symbol === RUN_A || symbol === RUN_B; weight *= 2) {
      run += symbol === RUN_A ? weight : 2 * weight;
      if (run > maxBytes) throw malformed();
      symbol = next();
    }
    if (run > 0) put(recent[0] ?? 0, run);
    else {
      const [byte = 0] = recent.splice(symbol - 1, 1);
      recent.unshift(byte);
      put(byte, 1);
      symbol = next();
    }
  }
  return { table: table.subarray(0, size), counts };
}

/** Symbols are coded in groups of 50, each group by one of up to six Huffman tables. */
function openDecoder(bits: BitReader, symbols: number): () => number {
  const tableCount = bits.read(3);
  const selectorCount = bits.read(15);
  if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw malformed();
  const order = Array.from({ length: tableCount }, (_, index) => index);
  const selectors: number[] = [];
  for (let index = 0; index < selectorCount; index += 1) {
    let position = 0;
    while (bits.read(1) === 1) position += 1;
    if (position >= tableCount) throw malformed();
    const [selected = 0] = order.splice(position, 1);
    order.unshift(selected);
    selectors.push(selected);
  }
  const tables = Array.from({ length: tableCount }, () => huffmanTable(readLengths(bits, symbols)));
  let read = 0;
  return () => {
    const table = tables[selectors[Math.floor(read / GROUP_SYMBOLS)] ?? -1];
    if (table === undefined || bits.isOver) throw malformed();
    read += 1;
    return table(bits);
  };
}

function readLengths(bits: BitReader, symbols: number): number[] {
  let length = bits.read(5);
  return Array.from({ length: symbols }, () => {
    while (bits.read(1) === 1) {
      length += bits.read(1) === 0 ? 1 : -1;
      if (bits.isOver) throw malformed();
    }
    if (length < 1 || length > MAX_CODE_BITS) throw malformed();
    return length;
  });
}

/** A canonical Huffman code: shorter codes first, equal ones in the order of their symbols. */
function huffmanTable(lengths: readonly number[]): (bits: BitReader) => number {
  const byLength = Array.from({ length: MAX_CODE_BITS + 1 }, (): number[] => []);
  lengths.forEach((length, symbol) => byLength[length]?.push(symbol));
  return (bits) => {
    let code = 0;
    let first = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
      code = code * 2 + bits.read(1);
      first *= 2;
      const symbols = byLength[length] ?? [];
      const symbol = symbols[code - first];
      if (symbol !== undefined) return symbol;
      first += symbols.length;
    }
    throw malformed();
  };
}

function malformed(): Refusal {
  return new Refusal('archive-malformed', 'bzip2 data that can not be unpacked');
}
