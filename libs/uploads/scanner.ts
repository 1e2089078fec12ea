import type { Reason } from '#uploads/status.ts';

/** The bytes that a verdict is asked for. */
export interface ScanSource {
  /** Both as stored when the bytes came in. */
  sizeBytes: number;
  sha256: Buffer;
  /** A chunk holds its bytes only until the next is asked for. */
  read(): AsyncIterable<Buffer>;
}

/** A closed set: nothing but `clean` promotes. */
export type ScanVerdict =
  | { kind: 'clean' }
  | { kind: 'infected'; signature: string }
  /** Not scanned to its end, and never will be. */
  | { kind: 'unscannable'; reason: Extract<Reason, 'archive-limits' | 'encrypted-archive'>; signature: string }
  /** The bytes are not those that were stored. */
  | { kind: 'tampered' };

export interface Scanner {
  /**
   * Scans exactly the bytes that were stored, or says that they are others. It settles within its deadline.
   * @throws Failure `scanner-unavailable` if no connection is to be had; `scan-inconclusive`, with what went wrong as
   * its detail, for everything that is not exactly a verdict.
   */
  scan(source: ScanSource, signal?: AbortSignal): Promise<ScanVerdict>;
}
