import { hash } from 'node:crypto';

/** One link of the chain. */
export interface Seal {
  /** From 1, without gaps. */
  number: number;
  firstPosition: number;
  eventCount: number;
  root: Buffer;
  previousHash: Buffer;
  hash: Buffer;
  sealedAt: Date;
}

/** One event as a seal remembers it. */
export interface Leaf {
  id: string;
  hash: Buffer;
}

/** What stands before the first seal. */
export const GENESIS = Buffer.alloc(32);

const LABEL = Buffer.from('portcullis seal 1\0');
const ID_BYTES = 16;
const LEAF_BYTES = ID_BYTES + 32;

/**
 * SHA-256 of a label, the previous seal's hash, the Merkle root, and as big-endian 64-bit numbers: number, first position,
 * count of events, and the time of sealing in milliseconds since 1970.
 */
export function sealHash(seal: Omit<Seal, 'hash'>): Buffer {
  const numbers = Buffer.alloc(32);
  numbers.writeBigUInt64BE(BigInt(seal.number), 0);
  numbers.writeBigUInt64BE(BigInt(seal.firstPosition), 8);
  numbers.writeBigUInt64BE(BigInt(seal.eventCount), 16);
  numbers.writeBigInt64BE(BigInt(seal.sealedAt.getTime()), 24);
  return hash('sha256', Buffer.concat([LABEL, seal.previousHash, seal.root, numbers]), 'buffer');
}

export function packLeaves(leaves: readonly Leaf[]): Buffer {
  return Buffer.concat(leaves.flatMap(({ id, hash: of }) => [Buffer.from(id.replaceAll('-', ''), 'hex'), of]));
}

export function unpackLeaves(packed: Buffer): Leaf[] {
  const leaves: Leaf[] = [];
  for (let at = 0; at + LEAF_BYTES <= packed.length; at += LEAF_BYTES) {
    leaves.push({ id: idAt(packed, at), hash: packed.subarray(at + ID_BYTES, at + LEAF_BYTES) });
  }
  return leaves;
}

/** The hashes alone, of which alone a root is made. */
export function unpackHashes(packed: Buffer): Buffer[] {
  const hashes: Buffer[] = [];
  for (let at = 0; at + LEAF_BYTES <= packed.length; at += LEAF_BYTES) {
    hashes.push(packed.subarray(at + ID_BYTES, at + LEAF_BYTES));
  }
  return hashes;
}

function idAt(packed: Buffer, at: number): string {
  const hex = packed.toString('hex', at, at + ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
