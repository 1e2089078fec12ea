import type { Queryable } from '#database/pool.ts';

/** Who acts on receipts, and from where. */
export interface ReceiptActor {
  actorId?: string;
  actorKind: 'user' | 'token' | 'system' | 'anonymous';
  addressPrefix?: string;
}

/** What somebody did with receipts, or with an event that has none, to be recorded. */
export interface ReceiptAct extends ReceiptActor {
  type: 'receipt.replayed' | 'receipt.erased' | 'event.replayed';
  targetKind?: 'receipt' | 'event';
  targetId?: string;
  source?: string;
  count?: number;
  details?: Record<string, string | number | boolean | null>;
}

/** Writes acts down on the client that carries the transaction of the act itself. */
export type RecordReceiptActs = (client: Queryable, acts: readonly ReceiptAct[]) => Promise<void>;
