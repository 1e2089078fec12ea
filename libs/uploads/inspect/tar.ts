import { requireInnerPath } from '#uploads/inspect/entry-name.ts';
import { inspectionLimits } from '#uploads/inspect/limits.ts';
import { Refusal } from '#uploads/inspect/refusal.ts';
import type { UnpackBudget } from '#uploads/inspect/unpack-budget.ts';

const BLOCK_BYTES = 512;
const MAX_META_BYTES = 64 * 1024;
// POSIX.1 ustar and pax, and the two long-name types of GNU.
const FILE_TYPES = new Set(['0', '\0', '7']);
const META_TYPES = new Set(['x', 'g', 'L']);

export interface TarMember {
  name: string;
  content: AsyncGenerator<Buffer>;
}

/** Whether a block is the header of a tar: its checksum says so. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK_BYTES) return false;
  const stated = octal(block, 148, 8);
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK_BYTES; at += 1) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return stated === sum;
}

/** The files of a tar that comes in as a stream. Each member's content must be read before the next is asked for. */
export async function* readTar(source: AsyncIterable<Buffer>, budget: UnpackBudget): AsyncGenerator<TarMember> {
  const blocks = new BlockReader(source);
  let longName: string | undefined;
  while (true) {
    const header = await blocks.take(BLOCK_BYTES);
    if (header.length === 0) return;
    if (header.length < BLOCK_BYTES) throw malformed('a tar that ends early');
    if (header.every((byte) => byte === 0)) {
      await requireZeros(blocks);
      return;
    }
    if (!isTarHeader(header)) throw malformed('a tar header with a wrong checksum');
    budget.addEntry();
    const type = String.fromCharCode(header[156] ?? 0);
    const size = octal(header, 124, 12);
    if (META_TYPES.has(type)) {
      longName = longNameOf(type, await takeMeta(blocks, size)) ?? longName;
      continue;
    }
    const name = longName ?? nameOf(header);
    longName = undefined;
    if (type === '5') continue;
    if (!FILE_TYPES.has(type)) throw new Refusal('archive-limits', 'a link or a device');
    requireInnerPath(name);
    const content = contentOf(blocks, size);
    yield { name, content };
    for await (const _ of content);
    await blocks.take((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
  }
}

async function* contentOf(blocks: BlockReader, size: number): AsyncGenerator<Buffer> {
  // All bytes were counted as they were unpacked.
  if (size > inspectionLimits.memberBytes) {
    throw new Refusal('archive-limits', `an entry of more than ${inspectionLimits.memberBytes} bytes`);
  }
  let left = size;
  while (left > 0) {
    const chunk = await blocks.some(left);
    if (chunk.length === 0) throw malformed('a tar that ends early');
    left -= chunk.length;
    yield chunk;
  }
}

async function takeMeta(blocks: BlockReader, size: number): Promise<Buffer> {
  if (size > MAX_META_BYTES) throw new Refusal('archive-limits', 'a tar name that is too long');
  const meta = await blocks.take(size);
  await blocks.take((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
  return meta;
}

function longNameOf(type: string, meta: Buffer): string | undefined {
  if (type === 'L') return meta.toString('utf8').replace(/\0.*$/s, '');
  if (/(?:^|\n)\d+ linkpath=/.test(meta.toString('utf8'))) throw new Refusal('archive-limits', 'a link or a device');
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(meta.toString('utf8'))?.[1];
}

function nameOf(header: Buffer): string {
  const text = (from: number, length: number): string =>
    header.toString('utf8', from, from + length).replace(/\0.*$/s, '');
  const prefix = header.toString('latin1', 257, 262) === 'ustar' && header[262] === 0 ? text(345, 155) : '';
  return prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`;
}

async function requireZeros(blocks: BlockReader): Promise<void> {
  while (true) {
    const rest = await blocks.some(64 * 1024);
    if (rest.length === 0) return;
    if (!rest.every((byte) => byte === 0)) throw malformed('bytes behind the end of the tar');
  }
}

function octal(header: Buffer, from: number, length: number): number {
  const text = header
    .toString('latin1', from, from + length)
    .replace(/[\0 ]+$/, '')
    .trim();
  if (text === '') return 0;
  // Sizes above 8 GiB are binary: beyond every limit of ours.
  if (!/^[0-7]+$/.test(text)) return Number.MAX_SAFE_INTEGER;
  return Number.parseInt(text, 8);
}

class BlockReader {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes, fewer only at the end. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      if (part.length === 0) break;
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
  }

  /** Between 1 and `limit` bytes; none at the end. */
  async some(limit: number): Promise<Buffer> {
    while (this.#held.length === 0) {
      const { value, done } = await this.#source.next();
      if (done === true) return Buffer.alloc(0);
      this.#held = value;
    }
    const part = this.#held.subarray(0, limit);
    this.#held = this.#held.subarray(part.length);
    return part;
  }
}

function malformed(detail: string): Refusal {
  return new Refusal('archive-malformed', detail);
}
