import { hash } from 'node:crypto';
import { newId } from '#runtime/id.ts';
import type { ReceiptDraft } from '#webhooks/receipt.ts';

/** An accepted WhatsApp receipt with this body, as the ingress would write it down. */
export function receiptDraft(bytes: Buffer | string, more: Partial<ReceiptDraft> = {}): ReceiptDraft {
  const body = Buffer.from(bytes);
  const sha256 = hash('sha256', body, 'buffer');
  const id = newId();
  return {
    id,
    source: 'whatsapp',
    provider: 'whatsapp',
    verdict: 'accepted',
    dedupeKey: sha256,
    secretLabel: 'main',
    textId: undefined,
    sha256,
    sizeBytes: body.length,
    clientAddress: '203.0.113.9',
    headers: { 'content-type': 'application/json' },
    body,
    correlationId: `request-${id}`,
    receivedAtMs: Date.now(),
    verifyUs: 40,
    ...more,
  };
}
