import type { WebhookLog } from '#webhooks/receipt-filter.ts';

/** All columns that a list shows: not the body. */
export const SUMMARY_FIELDS = [
  'id',
  'source',
  'provider',
  'verdict',
  'state',
  'secretLabel',
  'textId',
  'sha256',
  'sizeBytes',
  'clientAddress',
  'correlationId',
  'receivedAt',
  'verifyUs',
  'batchWaitUs',
  'storedAt',
  'duplicates',
  'lastDuplicateAt',
  'attempts',
  'nextCheckAt',
  'lastError',
  'closedAt',
] as const satisfies (keyof WebhookLog)[];

export type SummaryRow = Pick<WebhookLog, (typeof SUMMARY_FIELDS)[number]>;

const MICROSECONDS = 1_000_000;

/** A receipt as lists show it. Times are Dates, durations are in seconds. */
export function summaryOf(row: SummaryRow) {
  return {
    id: row.id,
    source: row.source,
    provider: row.provider,
    verdict: row.verdict,
    state: row.state,
    secretLabel: row.secretLabel ?? null,
    textId: row.textId ?? null,
    sha256: row.sha256 instanceof Uint8Array ? Buffer.from(row.sha256).toString('hex') : null,
    sizeBytes: row.sizeBytes,
    clientAddress: row.clientAddress,
    requestId: row.correlationId,
    receivedAt: row.receivedAt,
    timings: { verify: row.verifyUs / MICROSECONDS, batchWait: row.batchWaitUs / MICROSECONDS },
    storedAt: row.storedAt,
    duplicates: row.duplicates,
    lastDuplicateAt: row.lastDuplicateAt ?? null,
    attempts: row.attempts,
    nextCheckAt: row.nextCheckAt ?? null,
    lastError: row.lastError ?? null,
    closedAt: row.closedAt ?? null,
  };
}

export type ReceiptSummary = ReturnType<typeof summaryOf>;
