/** What is known of a webhook request when it is written down. */
export interface ReceiptDraft {
  /** Made by the ingress (uuid v7), so that a receipt has its id before any store has seen it. */
  id: string;
  source: string;
  provider: string;
  /** `accepted`, `challenge`, `ping`, or `refused:<reason>`. */
  verdict: string;
  /** SHA-256 of the signed id or of the body; undefined where copies are not to be recognised. */
  dedupeKey: Buffer | undefined;
  secretLabel: string | undefined;
  textId: string | undefined;
  sha256: Buffer | undefined;
  sizeBytes: number;
  clientAddress: string;
  /** Only headers of the provider's allow-list. */
  headers: Record<string, string>;
  /** The received bytes; of refused requests at most the first 4 KB. */
  body: Buffer | undefined;
  correlationId: string;
  /** W3C Trace Context of the request, where traces are made. */
  traceparent?: string | undefined;
  receivedAtMs: number;
  verifyUs: number;
}

/** What became of a draft: its own row, or a row that was there before it. */
export interface StoredReceipt {
  id: string;
  isCopy: boolean;
}

export const isAccepted = (draft: ReceiptDraft): boolean => draft.verdict === 'accepted';

/** How long the doorbell has before the relay looks at a new row. */
export const FIRST_CHECK_SECONDS = 2;
