import { createHmac, hash, type BinaryToTextEncoding, type KeyObject } from 'node:crypto';
import { parseForm } from '#webhooks/parse-form.ts';
import type { ProviderName, Source } from '#webhooks/provider.ts';
import { signStandardWebhook } from '#webhooks/sign-standard-webhook.ts';

/** What a sender knows before it signs. */
export interface Unsigned {
  body: Buffer;
  nowMs: number;
  /** Only standard-webhooks signs it. */
  id: string;
  /** As the sender was told it, query included. Only twilio signs it. */
  url: string;
}

export type SigningSource = Pick<Source, 'provider' | 'signatureHeader' | 'signatureEncoding'> & { key: KeyObject };

/** The headers that a provider's own sender would add: the mirror of `verify`, for tools, tests and the forwarder. */
export function sign(source: SigningSource, unsigned: Unsigned): Record<string, string> {
  return signers[source.provider](source, unsigned);
}

type Signer = (source: SigningSource, unsigned: Unsigned) => Record<string, string>;

const hmac = (key: KeyObject, encoding: BinaryToTextEncoding, ...parts: (string | Buffer)[]): string => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
};

const secondsOf = (nowMs: number): string => String(Math.floor(nowMs / 1000));

const signHub: Signer = ({ key }, { body }) => ({ 'x-hub-signature-256': `sha256=${hmac(key, 'hex', body)}` });

const signers: Record<ProviderName, Signer> = {
  whatsapp: signHub,
  github: signHub,
  wooalerts: ({ key, signatureHeader, signatureEncoding }, { body }) => ({
    [signatureHeader]: hmac(key, signatureEncoding, body),
  }),
  woocommerce: ({ key }, { body }) => ({ 'x-wc-webhook-signature': hmac(key, 'base64', body) }),
  'standard-webhooks': ({ key }, unsigned) => signStandardWebhook(key, unsigned),
  stripe: ({ key }, { body, nowMs }) => {
    const time = secondsOf(nowMs);
    return { 'stripe-signature': `t=${time},v1=${hmac(key, 'hex', `${time}.`, body)}` };
  },
  shopify: ({ key }, { body }) => ({ 'x-shopify-hmac-sha256': hmac(key, 'base64', body) }),
  slack: ({ key }, { body, nowMs }) => {
    const time = secondsOf(nowMs);
    return {
      'x-slack-request-timestamp': time,
      'x-slack-signature': `v0=${hmac(key, 'hex', `v0:${time}:`, body)}`,
    };
  },
  twilio: ({ key }, { body, url }) => {
    const mac = createHmac('sha1', key).update(url);
    if (!url.includes('bodySHA256=')) mac.update(formText(body));
    return { 'x-twilio-signature': mac.digest('base64') };
  },
};

/** Names and values in the order of names; without repeated names, which Twilio's messages don't have. */
function formText(body: Buffer): string {
  const fields = parseForm(body) ?? [];
  return fields
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flat()
    .join('');
}

/** The URL of a twilio request that is no form: it names the body's hash, and so binds it. */
export function twilioJsonUrl(url: string, body: Buffer): string {
  return `${url}${url.includes('?') ? '&' : '?'}bodySHA256=${hash('sha256', body)}`;
}
