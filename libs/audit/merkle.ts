import { hash } from 'node:crypto';

const HASH_BYTES = 32;
const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** RFC 6962 §2.1: the hash of one leaf; of a text's UTF-8. */
export function leafHash(data: Buffer | string): Buffer {
  return hash('sha256', typeof data === 'string' ? `\0${data}` : Buffer.concat([LEAF, data]), 'buffer');
}

/** RFC 6962 §2.1: the Merkle tree hash over leaves that are hashed already. */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return hash('sha256', '', 'buffer');
  let level = leaves;
  while (level.length > 1) level = levelAbove(level);
  return level[0] as Buffer;
}

/** A node without a sibling goes up as it is, which makes the largest power of two the left part (§2.1). */
function levelAbove(level: readonly Buffer[]): Buffer[] {
  const above: Buffer[] = [];
  const pair = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  NODE.copy(pair);
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at] as Buffer, level[at + 1]];
    if (right === undefined) {
      above.push(left);
      continue;
    }
    left.copy(pair, 1);
    right.copy(pair, 1 + HASH_BYTES);
    above.push(hash('sha256', pair, 'buffer'));
  }
  return above;
}
