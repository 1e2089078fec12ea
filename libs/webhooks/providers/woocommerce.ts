import type { Expansion, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { orderData, shopSubjects } from '#webhooks/order.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Delivery, Head, Provider } from '#webhooks/provider.ts';
import { compact, objectOf, textOf, timeOfIso } from '#webhooks/read-json.ts';
import { escapeLikePhp } from '#webhooks/sample-json.ts';
import { sampleOrder } from '#webhooks/sample-order.ts';
import { base64Mac, bodyMac } from '#webhooks/signature/body-mac.ts';
import { unsignedHeader } from '#webhooks/signature/header.ts';
import { macText } from '#webhooks/signature/hmac.ts';
import { sha256, signed } from '#webhooks/signed.ts';

const HEADER = 'x-wc-webhook-signature';
const TOPIC_HEADER = 'x-wc-webhook-topic';
const WEBHOOK_ID_HEADER = 'x-wc-webhook-id';
const DELIVERY_HEADER = 'x-wc-webhook-delivery-id';
const PING = /^webhook_id=\d{1,20}$/;
const MAX_PING_BYTES = 31;

const post = signed({
  ...bodyMac((_sender, head) => base64Mac(head, HEADER)),
  textId: ({ headers }) => unsignedHeader(headers, DELIVERY_HEADER),
});

/**
 * WooCommerce (REST API, Webhooks; class-wc-webhook.php). The key is the stored secret after its HTML entities are decoded.
 * A delivery id is the webhook's id hashed with the current second, so it is no key; it is kept for search.
 */
export const woocommerce: Provider = {
  words: {
    signature: '`x-wc-webhook-signature`; its unsigned ping gets exactly 200',
    copies: 'the body',
    afterwards: 'it never repeats',
  },
  methods: post.methods,
  keptHeaders: () => [HEADER, TOPIC_HEADER, WEBHOOK_ID_HEADER, DELIVERY_HEADER, 'x-wc-webhook-source', 'user-agent'],
  precheck: (sender, head) => (mayBePing(head) ? undefined : post.precheck(sender, head)),
  verify(sender, delivery) {
    if (!isPing(delivery)) return post.verify(sender, delivery);
    return {
      ok: true,
      verdict: 'ping',
      secretLabel: undefined,
      dedupeKey: undefined,
      sha256: sha256(delivery.body),
      textId: undefined,
      reply: undefined,
    };
  },
  expand,
  keyEncoding: 'html-decoded',
  outage: 'spool',
  signatureHeaderOf: () => HEADER,
  signsUrl: false,
  sign: ({ key }, { body }) => ({ [HEADER]: macText(key, 'base64', body) }),
  sample: (n, nowMs) => ({
    body: Buffer.from(escapeLikePhp(JSON.stringify(sampleOrder(n, nowMs)))),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'WooCommerce/10.3.0 Hookshot (WordPress/6.9)',
      'x-wc-webhook-source': 'https://shop.example.com/',
      [TOPIC_HEADER]: 'order.created',
      'x-wc-webhook-resource': 'order',
      'x-wc-webhook-event': 'created',
      [WEBHOOK_ID_HEADER]: '7',
      [DELIVERY_HEADER]: `d${n}`,
    },
  }),
};

/** The form that is POSTed when a webhook is made: without a signature and without any other header of WooCommerce's. */
function mayBePing({ method, headers }: Head): boolean {
  if (method !== 'POST' || headers[HEADER] !== undefined) return false;
  if (Object.keys(headers).some((name) => name.startsWith('x-wc-'))) return false;
  const length = headers['content-length']?.[0];
  return length === undefined || Number(length) <= MAX_PING_BYTES;
}

function isPing(delivery: Delivery): boolean {
  return mayBePing(delivery) && delivery.body.length <= MAX_PING_BYTES && PING.test(delivery.body.toString('latin1'));
}

const CORE_TOPIC = /^(?:coupon|customer|order|product)\.(?:created|updated|deleted|restored)$/;

/** The event's name is the topic; a topic of the shop's own is prefixed. `data` is that of an order where it is one. */
function expand({ body, sha256, headers }: KeptReceipt): Expansion {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const resource = objectOf(parsed.value);
  const topic = headers[TOPIC_HEADER];
  const isCore = topic !== undefined && CORE_TOPIC.test(topic);
  return {
    ok: true,
    events: [
      {
        key: keyOfHash(sha256),
        type: isCore ? topic : typeOf('woocommerce', topic ?? 'unknown'),
        occurredAt: timeOfIso(resource['date_modified_gmt'] ?? resource['date_created_gmt']),
        subjects: shopSubjects(resource, topic?.startsWith('customer.') === true),
        data:
          topic?.startsWith('order.') === true ? orderData(resource) : compact({ id: textOf(resource['id']), topic }),
        raw: parsed.value,
      },
    ],
  };
}
