import type { Expansion, JsonObject, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { orderData, shopSubjects } from '#webhooks/order.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Provider } from '#webhooks/provider.ts';
import { objectOf, textOf, timeOfIso } from '#webhooks/read-json.ts';
import { isoSeconds, jsonSample } from '#webhooks/sample-json.ts';
import { sampleOrder } from '#webhooks/sample-order.ts';
import { base64Mac, bodyMac, hexMac } from '#webhooks/signature/body-mac.ts';
import { macText } from '#webhooks/signature/hmac.ts';
import { signed } from '#webhooks/signed.ts';

const HEX_PREFIX = 'sha256=';

/** WooAlerts: header and encoding are settings, and exactly one encoding is active. In hex the prefix `sha256=` is optional. */
export const wooalerts: Provider = {
  words: {
    signature: '`WOOALERTS_SIGNATURE_HEADER`, hex or base64',
    copies: 'the body',
    afterwards: 'nobody says whether it repeats',
  },
  ...signed(
    bodyMac(({ signatureHeader, signatureEncoding }, head) => {
      if (signatureEncoding === 'base64') return base64Mac(head, signatureHeader);
      const hasPrefix = head.headers[signatureHeader]?.[0]?.startsWith(HEX_PREFIX) === true;
      return hexMac(head, signatureHeader, hasPrefix ? HEX_PREFIX : '');
    }),
  ),
  keptHeaders: ({ signatureHeader }) => [signatureHeader, 'content-type', 'user-agent'],
  expand,
  keyEncoding: 'utf8',
  outage: 'spool',
  signatureHeaderOf: ({ signatureHeader }) => signatureHeader,
  signsUrl: false,
  sign: ({ key, signatureHeader, signatureEncoding }, { body }) => ({
    [signatureHeader]: macText(key, signatureEncoding, body),
  }),
  sample: (n, nowMs) =>
    jsonSample({ event: 'order.created', timestamp: `${isoSeconds(nowMs)}Z`, order: sampleOrder(n, nowMs) }),
};

const KNOWN = /^order\.(?:created|updated|deleted|restored|paid|cancelled|refunded)$/;

/** Its payload is not described in public: a name is looked for in `event`, `topic` and `type`, an order in `order` and `data`. */
function expand({ body, sha256 }: KeptReceipt): Expansion {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const payload = objectOf(parsed.value);
  const name = [payload['event'], payload['topic'], payload['type']].map((value) => textOf(value)).find((text) => text);
  const resource = resourceOf(payload);
  return {
    ok: true,
    events: [
      {
        key: keyOfHash(sha256),
        type: name !== undefined && KNOWN.test(name) ? name : typeOf('wooalerts', name ?? 'alert'),
        occurredAt: timeOfIso(payload['timestamp'] ?? resource['date_modified_gmt'] ?? resource['date_created_gmt']),
        subjects: shopSubjects(resource, false),
        data: orderData(resource),
        raw: parsed.value,
      },
    ],
  };
}

function resourceOf(payload: JsonObject): JsonObject {
  const data = objectOf(payload['data'] ?? payload['payload']);
  const nested = objectOf(payload['order'] ?? data['order'] ?? payload['data'] ?? payload['payload']);
  return Object.keys(nested).length > 0 ? nested : payload;
}
