/** What a client sees of an upload's way. Only `clean` is ever served. */
export type UploadStatus =
  | 'quarantined'
  | 'scanning'
  | 'clean'
  | 'infected'
  | 'rejected'
  | 'unscannable'
  | 'scan-failed'
  | 'expired';

/** Why an upload is where it is; each is the code of a problem that its content is answered with. */
export const reasons = [
  'active-content',
  'archive-limits',
  'archive-malformed',
  'authorisation-revoked',
  'encrypted-archive',
  'expired',
  'infected',
  'macro',
  'pixel-limit',
  'scanner-unavailable',
  'tampered',
  'type-mismatch',
] as const;
export type Reason = (typeof reasons)[number];

const UNDECIDED: readonly UploadStatus[] = ['quarantined', 'scanning'];

export function isDecided(status: UploadStatus): boolean {
  return !UNDECIDED.includes(status);
}

/**
 * How sure the type is. `structure`: the whole file has the form of its type; `magic`: only its first bytes were
 * recognised; `text-heuristic`: it is text, and nothing more can be known.
 */
export type Verification = 'structure' | 'magic' | 'text-heuristic';

/** Whose signatures found nothing: ClamAV's own, or the few that are shipped for trying things out. */
export type Signatures = 'official' | 'test-only';

/** What is told about a clean file without refusing it. */
export type Warning = 'csv-formula';
