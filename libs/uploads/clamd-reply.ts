import { Failure } from '#runtime/failure.ts';
import type { ScanVerdict } from '#uploads/scanner.ts';

/** What went wrong with a scan, as the detail of `scan-inconclusive`. */
export type ScanFault = 'bad-reply' | 'clamd-error' | 'closed-without-reply' | 'io' | 'timeout';

export function inconclusive(fault: ScanFault, cause?: unknown): Failure {
  return new Failure('scan-inconclusive', { detail: fault, cause });
}

/**
 * Reads clamd's whole answer to one zINSTREAM. It must be exactly one line that ends in NUL: an answer that was cut, or
 * two of them, or one that is longer, is no verdict.
 * @throws Failure `scan-inconclusive`.
 */
export function verdictOf(reply: Buffer): ScanVerdict {
  if (reply.length === 0) throw inconclusive('closed-without-reply');
  if (reply.indexOf(0) !== reply.length - 1) throw inconclusive('bad-reply');
  const line = reply.toString('latin1', 0, reply.length - 1);
  if (line === 'stream: OK') return { kind: 'clean' };
  if (line === 'INSTREAM size limit exceeded. ERROR') {
    return { kind: 'unscannable', reason: 'archive-limits', signature: 'StreamMaxLength' };
  }
  const signature = /^stream: ([\x21-\x7e]{1,512}) FOUND$/.exec(line)?.[1];
  if (signature !== undefined) return foundVerdict(signature);
  throw inconclusive(line.endsWith(' ERROR') ? 'clamd-error' : 'bad-reply');
}

function foundVerdict(signature: string): ScanVerdict {
  if (signature.startsWith('Heuristics.Limits.Exceeded')) {
    return { kind: 'unscannable', reason: 'archive-limits', signature };
  }
  if (signature.startsWith('Heuristics.Encrypted')) {
    return { kind: 'unscannable', reason: 'encrypted-archive', signature };
  }
  return { kind: 'infected', signature };
}
