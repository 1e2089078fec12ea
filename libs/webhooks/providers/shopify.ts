import type { Expansion, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { orderData, shopSubjects } from '#webhooks/order.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Provider } from '#webhooks/provider.ts';
import { compact, objectOf, textOf, timeOfIso } from '#webhooks/read-json.ts';
import { isoSeconds, jsonSample, uuidTail } from '#webhooks/sample-json.ts';
import { base64Mac, bodyMac } from '#webhooks/signature/body-mac.ts';
import { unsignedHeader } from '#webhooks/signature/header.ts';
import { macText } from '#webhooks/signature/hmac.ts';
import { signed } from '#webhooks/signed.ts';

const HEADER = 'x-shopify-hmac-sha256';
const TOPIC_HEADER = 'x-shopify-topic';
const WEBHOOK_ID_HEADER = 'x-shopify-webhook-id';
const TRIGGERED_HEADER = 'x-shopify-triggered-at';

/** Shopify ("Verify webhook deliveries"). The key is the app's client secret; for an hour after its rotation the old one signs. */
export const shopify: Provider = {
  words: {
    signature: '`x-shopify-hmac-sha256`',
    copies: 'the body',
    afterwards: 'it repeats for hours',
  },
  ...signed({
    ...bodyMac((_sender, head) => base64Mac(head, HEADER)),
    textId: ({ headers }) => unsignedHeader(headers, WEBHOOK_ID_HEADER),
  }),
  keptHeaders: () => [
    HEADER,
    TOPIC_HEADER,
    WEBHOOK_ID_HEADER,
    TRIGGERED_HEADER,
    'x-shopify-event-id',
    'x-shopify-shop-domain',
    'x-shopify-api-version',
  ],
  expand,
  keyEncoding: 'utf8',
  outage: '503',
  signatureHeaderOf: () => HEADER,
  signsUrl: false,
  sign: ({ key }, { body }) => ({ [HEADER]: macText(key, 'base64', body) }),
  sample: (n, nowMs) =>
    jsonSample(
      {
        id: 820_982_911_946_154 + n,
        name: `#${n}`,
        email: 'jörg@example.com',
        currency: 'EUR',
        total_price: '42.00',
        financial_status: 'paid',
        created_at: `${isoSeconds(nowMs)}+00:00`,
        customer: { id: 115_310_627, email: 'jörg@example.com' },
        line_items: [],
      },
      {
        [TOPIC_HEADER]: 'orders/create',
        'x-shopify-shop-domain': 'shop.example.com',
        [WEBHOOK_ID_HEADER]: `b54557e4-bdd9-4b37-8a5f-${uuidTail(n)}`,
      },
    ),
};

/** Topics that mean the same in every shop; `data` of an order is described in order.ts. */
const COMMON_TYPES: Record<string, string> = {
  'orders/create': 'order.created',
  'orders/updated': 'order.updated',
  'orders/delete': 'order.deleted',
  'orders/paid': 'order.paid',
  'orders/cancelled': 'order.cancelled',
  'customers/create': 'customer.created',
  'customers/update': 'customer.updated',
  'customers/delete': 'customer.deleted',
  'products/create': 'product.created',
  'products/update': 'product.updated',
  'products/delete': 'product.deleted',
};

function expand({ body, sha256, headers }: KeptReceipt): Expansion {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const resource = objectOf(parsed.value);
  const topic = headers[TOPIC_HEADER] ?? 'unknown';
  const common = Object.hasOwn(COMMON_TYPES, topic) ? COMMON_TYPES[topic] : undefined;
  const isOrder = topic.startsWith('orders/');
  return {
    ok: true,
    events: [
      {
        key: keyOfHash(sha256),
        type: common ?? typeOf('shopify', topic),
        occurredAt: timeOfIso(headers[TRIGGERED_HEADER] ?? resource['updated_at'] ?? resource['created_at']),
        subjects: shopSubjects(resource, /^customers\/(?:create|update|delete|enable|disable)$/.test(topic)),
        data: isOrder ? orderData(resource) : compact({ id: textOf(resource['id']), topic }),
        raw: parsed.value,
      },
    ],
  };
}
