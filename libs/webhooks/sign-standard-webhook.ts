import { createHmac, sign, type KeyObject } from 'node:crypto';

export interface StandardWebhook {
  /** Stable over retries; without `.`. */
  id: string;
  nowMs: number;
  body: Buffer;
}

/** The three headers of Standard Webhooks 1.0.0: `v1` with a secret key, `v1a` with an Ed25519 private key. */
export function signStandardWebhook(key: KeyObject, { id, nowMs, body }: StandardWebhook): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const message = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const signature =
    key.type === 'secret'
      ? `v1,${createHmac('sha256', key).update(message).digest('base64')}`
      : // Ed25519 takes no digest (RFC 8032).
        `v1a,${sign(null, message, key).toString('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
}
