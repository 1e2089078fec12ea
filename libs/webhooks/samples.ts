import type { ProviderName } from '#webhooks/provider.ts';

/** A request in a provider's real shape, before it is signed: for tools, the demo and tests. */
export interface Sample {
  body: Buffer;
  /** Those beside the signature. */
  headers: Record<string, string>;
}

/** Samples of one provider with different `n` are different requests. */
export function sampleOf(provider: ProviderName, n: number, nowMs: number): Sample {
  return samples[provider](n, nowMs);
}

const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const secondsOf = (nowMs: number): number => Math.floor(nowMs / 1000);
const isoOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 19);

/** The last group of a UUID. */
const tail = (n: number): string => n.toString(16).padStart(12, '0').slice(-12);

const samples: Record<ProviderName, (n: number, nowMs: number) => Sample> = {
  whatsapp: (n, nowMs) => ({ body: whatsappBatch([whatsappMessage(n, nowMs)]), headers: json }),
  wooalerts: (n, nowMs) => ({
    body: bodyOf({ event: 'order.created', timestamp: `${isoOf(nowMs)}Z`, order: orderOf(n, nowMs) }),
    headers: json,
  }),
  woocommerce: (n, nowMs) => ({
    body: Buffer.from(escapeLikePhp(JSON.stringify(orderOf(n, nowMs)))),
    headers: {
      ...json,
      'user-agent': 'WooCommerce/10.3.0 Hookshot (WordPress/6.9)',
      'x-wc-webhook-source': 'https://shop.example.com/',
      'x-wc-webhook-topic': 'order.created',
      'x-wc-webhook-resource': 'order',
      'x-wc-webhook-event': 'created',
      'x-wc-webhook-id': '7',
      'x-wc-webhook-delivery-id': `d${n}`,
    },
  }),
  'standard-webhooks': (n, nowMs) => ({
    body: bodyOf({ type: 'contact.created', timestamp: `${isoOf(nowMs)}Z`, data: { id: `contact-${n}` } }),
    headers: json,
  }),
  github: (n) => ({
    body: bodyOf({
      action: 'opened',
      issue: { number: n, title: `Issue ${n}: Größe / "quotes"` },
      repository: { id: 1, full_name: 'octo/hello' },
      sender: { id: 2, login: 'octocat' },
    }),
    headers: {
      ...json,
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': 'issues',
      'x-github-delivery': `72d3162e-cc78-11e3-81ab-${tail(n)}`,
    },
  }),
  stripe: (n, nowMs) => ({
    body: bodyOf({
      id: `evt_${n}`,
      object: 'event',
      type: 'payment_intent.succeeded',
      created: secondsOf(nowMs),
      api_version: '2026-08-27',
      livemode: false,
      data: { object: { id: `pi_${n}`, object: 'payment_intent', amount: 4200, currency: 'eur', customer: 'cus_7' } },
    }),
    headers: { ...json, 'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)' },
  }),
  shopify: (n, nowMs) => ({
    body: bodyOf({
      id: 820_982_911_946_154 + n,
      name: `#${n}`,
      email: 'jörg@example.com',
      currency: 'EUR',
      total_price: '42.00',
      financial_status: 'paid',
      created_at: `${isoOf(nowMs)}+00:00`,
      customer: { id: 115_310_627, email: 'jörg@example.com' },
      line_items: [],
    }),
    headers: {
      ...json,
      'x-shopify-topic': 'orders/create',
      'x-shopify-shop-domain': 'shop.example.com',
      'x-shopify-webhook-id': `b54557e4-bdd9-4b37-8a5f-${tail(n)}`,
    },
  }),
  slack: (n, nowMs) => ({
    body: bodyOf({
      type: 'event_callback',
      team_id: 'T061EG9R6',
      event_id: `Ev${n}`,
      event_time: secondsOf(nowMs),
      event: { type: 'message', user: 'U2147483697', channel: 'C2147483705', text: `Hello ${n} 👋`, ts: `${n}.000005` },
    }),
    headers: json,
  }),
  twilio: (n) => ({
    body: Buffer.from(
      new URLSearchParams({
        AccountSid: 'AC00000000000000000000000000000001',
        Body: `Hello ${n} 👋 & welcome`,
        From: '+4915112345678',
        MessageSid: `SM${String(n).padStart(32, '0')}`,
        NumMedia: '0',
        To: '+4930123456',
      }).toString(),
    ),
    headers: { ...form, 'i-twilio-idempotency-token': `token-${n}` },
  }),
};

/** One message as it stands in `value.messages`, with the accents, slashes and at signs that naive verifiers fail on. */
export function whatsappMessage(n: number, nowMs: number): object {
  return {
    from: '4915112345678',
    from_user_id: 'DE.1234567890',
    id: wamidOf(n),
    timestamp: String(secondsOf(nowMs)),
    type: 'text',
    text: { body: `Grüße Nr. ${n} 😀 café, see a/b @you <b> 50% $$ $&` },
  };
}

/** One status as it stands in `value.statuses`. */
export function whatsappStatus(n: number, status: string, nowMs: number): object {
  return {
    id: wamidOf(n),
    status,
    timestamp: String(secondsOf(nowMs)),
    recipient_id: '4915112345678',
    recipient_user_id: 'DE.1234567890',
    pricing: { billable: true, pricing_model: 'PMP', category: 'service' },
    ...(status === 'failed' ? { errors: [{ code: 131_026, title: 'Message undeliverable' }] } : {}),
  };
}

export function wamidOf(n: number): string {
  return `wamid.${Buffer.from(`sample ${n}`).toString('base64')}`;
}

/** A body as Meta's serialiser writes it, with any number of messages and statuses in it. */
export function whatsappBatch(messages: readonly object[], statuses: readonly object[] = []): Buffer {
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: '4930123456', phone_number_id: '106540352242922' },
    contacts: [{ profile: { name: 'Jörg' }, wa_id: '4915112345678', user_id: 'DE.1234567890' }],
    ...(messages.length > 0 ? { messages } : {}),
    ...(statuses.length > 0 ? { statuses } : {}),
  };
  const payload = {
    object: 'whatsapp_business_account',
    entry: [{ id: '102290129340398', changes: [{ field: 'messages', value }] }],
  };
  return Buffer.from(escapeLikeMeta(JSON.stringify(payload)));
}

const NOT_ASCII = /[^\0-~]/g;

function escapeLikePhp(text: string): string {
  return text
    .replaceAll(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('/', String.raw`\/`);
}

/** Meta escapes these too (Graph API, "Getting started with webhooks"). */
function escapeLikeMeta(text: string): string {
  return escapeLikePhp(text)
    .replaceAll('<', String.raw`\u003C`)
    .replaceAll('%', String.raw`\u0025`)
    .replaceAll('@', String.raw`\u0040`);
}

const bodyOf = (payload: object): Buffer => Buffer.from(JSON.stringify(payload));

/** As WooCommerce's REST API v3 has it: totals are texts. */
function orderOf(n: number, nowMs: number): object {
  return {
    id: n,
    number: String(n),
    order_key: `wc_order_${n}`,
    status: 'processing',
    currency: 'EUR',
    date_created_gmt: isoOf(nowMs),
    date_modified_gmt: isoOf(nowMs),
    total: '42.00',
    customer_id: 7,
    billing: { first_name: 'Jörg', last_name: 'Müller', email: 'Joerg@Example.com', phone: '+49 151 12345678' },
    line_items: [{ id: 1, name: 'Tea & <b>biscuits</b>', quantity: 2, total: '42.00' }],
  };
}
