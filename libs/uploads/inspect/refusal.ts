import type { Reason } from '#uploads/status.ts';

export type RefusalReason = Extract<
  Reason,
  | 'active-content'
  | 'archive-limits'
  | 'archive-malformed'
  | 'encrypted-archive'
  | 'macro'
  | 'pixel-limit'
  | 'type-mismatch'
>;

/** Why a file is not taken. Thrown by whatever looks into it; the detail names the limit or the rule, never content. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;
  readonly detail: string;
  /** `unscannable`: it can't be looked into, rather than that something was found. */
  readonly status: 'rejected' | 'unscannable';

  constructor(reason: RefusalReason, detail: string) {
    super(`${reason}: ${detail}`);
    this.reason = reason;
    this.detail = detail;
    this.status = reason === 'encrypted-archive' ? 'unscannable' : 'rejected';
  }
}

export function mismatch(detail: string): Refusal {
  return new Refusal('type-mismatch', detail);
}
