import type { Expansion, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { orderData, shopSubjects } from '#webhooks/order.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Provider } from '#webhooks/provider.ts';
import { compact, objectOf, textOf, timeOfIso } from '#webhooks/read-json.ts';
import { base64Mac, bodyMac } from '#webhooks/signature/body-mac.ts';
import { unsignedHeader } from '#webhooks/signature/header.ts';
import { signed } from '#webhooks/signed.ts';

const HEADER = 'x-shopify-hmac-sha256';
const TOPIC_HEADER = 'x-shopify-topic';
const WEBHOOK_ID_HEADER = 'x-shopify-webhook-id';
const TRIGGERED_HEADER = 'x-shopify-triggered-at';

/** Shopify ("Verify webhook deliveries"). The key is the app's client secret; for an hour after its rotation the old one signs. */
export const shopify: Provider = {
  ...signed({
    ...bodyMac((_source, head) => base64Mac(head, HEADER)),
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
