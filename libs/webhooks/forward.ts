import type { KeyObject } from 'node:crypto';
import { openBreaker } from '#runtime/breaker.ts';
import { url } from '#runtime/config.ts';
import { Failure, isFailure } from '#runtime/failure.ts';
import { privateReach, type Outbound, type OutboundAnswer } from '#runtime/outbound.ts';
import type { CallingHandler, StoredEvent } from '#webhooks/handler.ts';
import { signStandardWebhook } from '#webhooks/sign-standard-webhook.ts';
import { signingSecret } from '#webhooks/signing-key.ts';

export const forwardSettings = {
  /** Where every event is posted to; nowhere if unset. */
  FORWARD_URL: url('http', 'https').optional(),
  /** Signs what is forwarded, the Standard Webhooks way: `whsec_…`, or `whsk_…` for Ed25519. */
  FORWARD_SECRET: signingSecret.optional(),
  /** Whether, or which of, FORWARD_URL, AUDIT_URL and ALERT_URL may be on a private network or on this machine. */
  FORWARD_ALLOW_PRIVATE: privateReach(),
};

const CALL_LIMIT_MS = 15_000;
const MIN_WAIT_SECONDS = 5;
const MAX_WAIT_SECONDS = 3_600;
/** What says that the other side is away or busy, rather than that it does not want this event. */
const AWAY_STATUSES = new Set([408, 425, 429, 502, 503, 504]);

export interface ForwardOptions {
  url: string;
  key: KeyObject;
  outbound: Outbound;
  now?: () => number;
}

/** An event as it is posted. `id` is the `webhook-id` header too: the same for every try. */
export function forwardedBody(event: StoredEvent): string {
  const { source, key, data, raw, receiptId } = event;
  const timestamp = (event.occurredAt ?? event.createdAt).toISOString();
  return JSON.stringify({ id: forwardedId(event), type: event.type, timestamp, source, key, receiptId, data, raw });
}

/** A replay has an id of its own, so that the receiver does not take it for a repetition. */
export function forwardedId({ id, replay }: Pick<StoredEvent, 'id' | 'replay'>): string {
  return replay === 0 ? id : `${id}_r${replay}`;
}

/**
 * Posts each event to the application behind, signed per Standard Webhooks 1.0.0. 2xx is success; 410 ends the event; what
 * says that the application is away spends no attempt and, when it goes on, stops the asking for a while.
 */
export function openForward({ url: target, key, outbound, now = Date.now }: ForwardOptions): CallingHandler {
  const breaker = openBreaker({ threshold: 5, firstPauseMs: 5_000, maxPauseMs: 300_000, now });

  async function post(event: StoredEvent, signal: AbortSignal): Promise<OutboundAnswer> {
    const body = Buffer.from(forwardedBody(event));
    const headers = {
      ...signStandardWebhook(key, { id: forwardedId(event), nowMs: now(), body }),
      'content-type': 'application/json',
      'user-agent': 'portcullis',
      'x-request-id': event.correlationId,
      ...(typeof event.traceparent === 'string' ? { traceparent: event.traceparent } : {}),
    };
    try {
      return await outbound.post(target, headers, body, AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]));
    } catch (error) {
      throw new Failure('forward-unavailable', {
        cause: error,
        detail: reasonOf(error),
        retryAfterSeconds: MIN_WAIT_SECONDS,
      });
    }
  }

  return {
    name: 'forward',
    wants: () => true,
    async call(event, signal) {
      const waitSeconds = breaker.waitSeconds();
      if (waitSeconds > 0) {
        throw new Failure('forward-unavailable', {
          detail: 'it failed several times in a row',
          retryAfterSeconds: waitSeconds,
        });
      }
      try {
        judge(await post(event, signal));
        breaker.succeeded();
      } catch (error) {
        if (!isFailure(error, 'forward-unavailable')) breaker.succeeded();
        // What we broke off ourselves says nothing of the other side.
        else if (!signal.aborted) breaker.failed();
        throw error;
      }
    },
  };
}

function judge({ status, retryAfterSeconds }: OutboundAnswer): void {
  if (status >= 200 && status < 300) return;
  const detail = `answered ${status}`;
  if (status === 410) throw new Failure('forward-gone', { detail });
  if (AWAY_STATUSES.has(status)) {
    const wait = Math.min(MAX_WAIT_SECONDS, Math.max(MIN_WAIT_SECONDS, retryAfterSeconds ?? MIN_WAIT_SECONDS));
    throw new Failure('forward-unavailable', { detail, retryAfterSeconds: wait });
  }
  throw new Failure('forward-refused', { detail });
}

/** The code of a network error where it has one: its message may quote the address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
