import { createHmac } from 'node:crypto';
import { messageBody, WHATSAPP_TEST_SECRET } from '#testing/whatsapp-load.ts';

/** Event texts that a handler can't do anything with. */
export const POISON = {
  throws: 'poison-that-throws',
  kills: 'poison-that-kills',
  fills: 'poison-that-fills',
  blocks: 'poison-that-blocks',
} as const;

const KEY = /wamid\.chaos\.[\w.-]+/;
/** The same for PostgreSQL. */
export const KEY_IN_SQL = String.raw`wamid\.chaos\.[\w.-]+`;

export const keyOf = (seed: number, n: number): string => `wamid.chaos.${seed}.${n}`;

export function keyIn(text: string): string {
  const [key] = KEY.exec(text) ?? [];
  if (key === undefined) throw new Error('an event without a key of the ledger');
  return key;
}

export const WOOALERTS_TEST_SECRET = '1a0b2c3d4e5f60718293a4b5c6d7e8f9';

/** A source that answers 503 while PostgreSQL is away, and one that spools. */
export type Sender = 'whatsapp' | 'wooalerts';

export interface Delivery {
  path: string;
  body: string;
  headers: Record<string, string>;
}

/** A webhook as its sender makes it; with `isForged` its signature is somebody else's. */
export function deliveryOf(sender: Sender, key: string, isForged = false): Delivery {
  const isWhatsApp = sender === 'whatsapp';
  const body = isWhatsApp ? messageBody(key) : JSON.stringify({ event: 'order.created', order: { id: key } });
  const secret = isWhatsApp ? WHATSAPP_TEST_SECRET : WOOALERTS_TEST_SECRET;
  const signature = createHmac('sha256', isForged ? `not ${secret}` : secret)
    .update(body)
    .digest('hex');
  return {
    path: isWhatsApp ? '/api/whatsapp/webhook' : '/api/wooalerts-webhook',
    body,
    headers: { [isWhatsApp ? 'x-hub-signature-256' : 'x-wooalerts-signature']: `sha256=${signature}` },
  };
}
