import type { Delivery, Sender } from '#testing/chaos/message.ts';

/** What became of one webhook, as far as its sender knows. */
export interface SentWebhook {
  n: number;
  sender: Sender;
  delivery: Delivery;
  isForged: boolean;
  /** The answer 2xx, or undefined so far. */
  receiptId: string | undefined;
}

/** What the clients wrote down. Ids go in only after their answer. */
export interface Ledger {
  /** Webhooks that were sent, by number; forged ones too. */
  sent: number;
  /** By number: 0 not answered, 1 acknowledged, 2 forged and refused, 3 poison. */
  readonly standing: number[];
  acknowledged: number;
  /** Of copies that were sent on purpose. */
  copies: number;
  /** Not sent, because too many were under way. */
  skipped: number;
  readonly answers: Record<string, number>;
  /** Milliseconds from sending to each 503. */
  slowest503Ms: number;
  /** Milliseconds of acknowledgements, the newest 100,000. */
  readonly ackMs: number[];
  /** What must never happen, and has. */
  readonly violations: string[];
  violate(text: string): void;
  count(what: string): void;
}

export const UNANSWERED = 0;
export const ACKNOWLEDGED = 1;
export const REFUSED = 2;
export const POISONED = 3;

const MAX_VIOLATIONS = 200;

export function openLedger(): Ledger {
  const violations: string[] = [];
  const answers: Record<string, number> = {};
  return {
    sent: 0,
    standing: [],
    acknowledged: 0,
    copies: 0,
    skipped: 0,
    answers,
    slowest503Ms: 0,
    ackMs: [],
    violations,
    violate(text) {
      if (violations.length < MAX_VIOLATIONS) violations.push(text);
    },
    count(what) {
      answers[what] = (answers[what] ?? 0) + 1;
    },
  };
}
