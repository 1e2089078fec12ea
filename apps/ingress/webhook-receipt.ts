import { hash } from 'node:crypto';
import { newId } from '#runtime/id.ts';
import { keptHeaders } from '#webhooks/kept-request.ts';
import type { Delivery, RefusalReason, Verified } from '#webhooks/provider.ts';
import type { ReceiptDraft } from '#webhooks/receipt.ts';
import { REFUSED_BODY_BYTES } from '#webhooks/refusals.ts';
import type { Source } from '#webhooks/source.ts';
import type { WebhookExchange } from './webhook-exchange.ts';

export interface Accepted {
  verified: Verified;
  receivedAtMs: number;
  verifyMs: number;
}

/** What is kept of a request that is let in. */
export function acceptedDraft(
  exchange: WebhookExchange,
  source: Source,
  delivery: Delivery,
  { verified, receivedAtMs, verifyMs }: Accepted,
): ReceiptDraft {
  return {
    id: newId(),
    source: source.name,
    provider: source.provider,
    verdict: verified.verdict,
    dedupeKey: verified.verdict === 'accepted' ? verified.dedupeKey : undefined,
    secretLabel: verified.secretLabel,
    textId: verified.textId,
    sha256: verified.sha256,
    sizeBytes: delivery.body.length,
    clientAddress: exchange.address,
    headers: keptHeaders(source, delivery),
    body: delivery.body,
    correlationId: exchange.requestId,
    receivedAtMs,
    verifyUs: Math.round(verifyMs * 1_000),
  };
}

/** What is kept of one that is not: the head, and of a body that was read the beginning. */
export function refusedDraft(
  exchange: WebhookExchange,
  name: string,
  reason: RefusalReason,
  body: Buffer | undefined,
): ReceiptDraft {
  const { route, head } = exchange;
  return {
    id: newId(),
    source: name,
    provider: route.source?.provider ?? 'unknown',
    verdict: `refused:${reason}`,
    dedupeKey: undefined,
    secretLabel: undefined,
    textId: route.source === undefined ? route.requestedName.slice(0, 64) : undefined,
    sha256: body === undefined ? undefined : hash('sha256', body, 'buffer'),
    sizeBytes: body?.length ?? Number(exchange.request.headers['content-length'] ?? 0),
    clientAddress: exchange.address,
    headers: route.source === undefined ? {} : keptHeaders(route.source, head),
    body: body === undefined ? undefined : Buffer.from(body.subarray(0, REFUSED_BODY_BYTES)),
    correlationId: exchange.requestId,
    receivedAtMs: head.nowMs,
    verifyUs: 0,
  };
}
