import type { Pool } from '#database/pool.ts';
import { compareLeaves } from '#audit/compare-leaves.ts';
import { merkleRoot } from '#audit/merkle.ts';
import { FIRST_KEY, firstKeptId, misdatedId, readPage, type Page, type SealRow } from '#audit/read-chain.ts';
import { GENESIS, sealHash, unpackHashes, type Seal } from '#audit/seal.ts';

/** What is wrong with the chain, at the first place where something is. */
export interface ChainFault {
  kind:
    | 'event-altered'
    | 'event-missing'
    | 'event-inserted'
    | 'event-reordered'
    | 'seal-altered'
    | 'seal-missing'
    | 'tail-cut-off'
    | 'chain-replaced';
  seal: number;
  /** In the whole chain, from 1; undefined for what has no place in it. */
  position?: number;
  /** Of the event. */
  id?: string;
}

export interface ChainVerdict {
  intact: boolean;
  fault: ChainFault | undefined;
  seals: number;
  /** Events whose hash was compared. */
  events: number;
  /** Events of dropped months: their hashes are in the chain, their rows are not there any more. */
  pruned: number;
  /** The newest seal: keep it elsewhere, because only with it a cut-off tail is found. */
  head: { number: number; hash: string } | undefined;
}

export interface VerifyOptions {
  /** A seal that was kept elsewhere: the chain must hold it. */
  anchor?: { number: number; hash: string } | undefined;
  /** The first seal whose events are compared; earlier seals are only followed. */
  fromSeal?: number;
  signal?: AbortSignal;
}

/**
 * Walks the whole chain and stops at its first fault. Reads in large pages, the next while one is hashed, and keeps no
 * more than two of them.
 */
export async function verifyChain(pool: Pool, options: VerifyOptions = {}): Promise<ChainVerdict> {
  const prunedBefore = await firstKeptId(pool);
  const verdict = await walk(pool, prunedBefore, options);
  // A month may have been dropped meanwhile.
  const isStale = verdict.fault?.kind === 'event-missing' && (await firstKeptId(pool)) !== prunedBefore;
  return isStale ? verifyChain(pool, options) : verdict;
}

async function walk(
  pool: Pool,
  prunedBefore: string | undefined,
  { anchor, fromSeal = 1, signal }: VerifyOptions,
): Promise<ChainVerdict> {
  const verdict: ChainVerdict = { intact: true, fault: undefined, seals: 0, events: 0, pruned: 0, head: undefined };
  let last: Seal = BEFORE_FIRST;
  let isAnchored = anchor === undefined;

  let next = readPage(pool, 0, FIRST_KEY, fromSeal);
  for (;;) {
    signal?.throwIfAborted();
    const page = await next;
    const newest = page.seals.at(-1);
    if (newest === undefined) break;
    next = readPage(pool, newest.number, page.end, fromSeal);
    // A page that is not asked for any more must not end the process.
    next.catch(() => undefined);
    for (const seal of page.seals) {
      const fault = faultOfSeal(seal, last);
      if (fault !== undefined) return broken(verdict, fault);
      if (anchor !== undefined && seal.number === anchor.number) {
        if (seal.hash.toString('hex') !== anchor.hash) {
          return broken(verdict, { kind: 'chain-replaced', seal: seal.number });
        }
        isAnchored = true;
      }
      last = seal;
    }
    if (page.rows !== undefined) {
      const compared = compareLeaves(page.leaves, page.rows, prunedBefore);
      verdict.events += compared.compared;
      verdict.pruned += compared.pruned;
      if (compared.fault !== undefined) return broken(verdict, await placed(pool, compared.fault, page));
    }
    verdict.seals += page.seals.length;
    verdict.head = { number: newest.number, hash: newest.hash.toString('hex') };
  }
  if (!isAnchored) return broken(verdict, { kind: 'tail-cut-off', seal: last.number + 1 });
  const misdated = await misdatedId(pool);
  return misdated === undefined
    ? verdict
    : broken(verdict, { kind: 'event-inserted', seal: last.number + 1, id: misdated });
}

const BEFORE_FIRST: Seal = {
  number: 0,
  firstPosition: 1,
  eventCount: 0,
  root: GENESIS,
  previousHash: GENESIS,
  hash: GENESIS,
  sealedAt: new Date(0),
};

function broken(verdict: ChainVerdict, fault: ChainFault): ChainVerdict {
  return { ...verdict, intact: false, fault };
}

function faultOfSeal(seal: SealRow, last: Seal): ChainFault | undefined {
  if (seal.number !== last.number + 1) return { kind: 'seal-missing', seal: last.number + 1 };
  const hashes = unpackHashes(seal.leaves);
  const isSound =
    seal.previousHash.equals(last.hash) &&
    seal.firstPosition === last.firstPosition + last.eventCount &&
    seal.eventCount === hashes.length &&
    seal.root.equals(merkleRoot(hashes)) &&
    seal.hash.equals(sealHash(seal));
  return isSound ? undefined : { kind: 'seal-altered', seal: seal.number };
}

/** Says which seal a fault is in, and whether a row that is missing here stands somewhere else. */
async function placed(
  pool: Pool,
  fault: { kind: 'altered' | 'missing' | 'inserted' | 'reordered'; at: number; id: string },
  { seals }: Page,
): Promise<ChainFault> {
  const position = (seals[0]?.firstPosition ?? 1) + fault.at;
  const seal = seals.findLast(({ firstPosition }) => firstPosition <= position)?.number ?? 0;
  let { kind } = fault;
  if (kind === 'missing') {
    const { rowCount } = await pool.query('select from security_event where id = $1', [fault.id]);
    if (rowCount === 1) kind = 'reordered';
  }
  return { kind: `event-${kind}`, seal, id: fault.id, ...(kind === 'inserted' ? {} : { position }) };
}
