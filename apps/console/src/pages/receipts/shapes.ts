export const RECEIPTS = '/api/webhook-logs';

export interface ReceiptSummary {
  id: string;
  source: string;
  provider: string;
  verdict: string;
  state: 'open' | 'done' | 'dead';
  secretLabel: string | null;
  textId: string | null;
  sha256: string | null;
  sizeBytes: number;
  clientAddress: string;
  requestId: string;
  receivedAt: string;
  /** In seconds. */
  timings: { verify: number; batchWait: number };
  storedAt: string;
  duplicates: number;
  lastDuplicateAt: string | null;
  attempts: number;
  nextCheckAt: string | null;
  lastError: string | null;
  closedAt: string | null;
}

export interface ReceiptEvent {
  id: string;
  eventKey: string;
  type: string;
  occurredAt: string | null;
  subjects: string[];
  data: unknown;
  state: string;
  attempts: number;
  lastError: string | null;
}

export interface ShownReceipt extends ReceiptSummary {
  headers: Record<string, string>;
  body:
    | { form: 'json'; value: unknown }
    | { form: 'text' | 'base64'; text: string }
    | { form: 'hidden'; reason: 'absent' | 'large' | 'unreadable' };
  events: { items: ReceiptEvent[]; nextCursor?: string };
}
