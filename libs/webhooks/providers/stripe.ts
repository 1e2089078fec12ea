import type { Expansion, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash, keyOfIds } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Head, Provider, RefusalReason } from '#webhooks/provider.ts';
import { compact, objectOf, textOf, timeOfIso, timeOfSeconds } from '#webhooks/read-json.ts';
import { decodeHex } from '#webhooks/signature/encoding.ts';
import { oneHeader } from '#webhooks/signature/header.ts';
import { matchHmac } from '#webhooks/signature/hmac.ts';
import { timestampFault } from '#webhooks/signature/timestamp.ts';
import { signed } from '#webhooks/signed.ts';
import { customerSubject, emailSubject, subjectsOf } from '#webhooks/subject.ts';

const HEADER = 'stripe-signature';
const ITEM = /^([a-z][a-z0-9]{0,7})=([^,=\s]{1,200})$/;
const MAX_ITEMS = 16;
const SHA256_BYTES = 32;

interface StripeClaim {
  timestamp: string;
  signatures: Buffer[];
}

/**
 * Stripe ("Receive Stripe events"): `t=<seconds>,v1=<hex>[,v1=<hex>]` over `t.body`; several `v1` while a secret is rolled.
 * Other versions, such as the test scheme `v0`, count for nothing. The key is the literal `whsec_…`, prefix included.
 */
export const stripe: Provider = {
  ...signed<StripeClaim>({
    claim: (_source, head) => readSignature(head),
    prove: (source, { body }, { timestamp, signatures }) =>
      matchHmac('sha256', source.keys, signatures, [`${timestamp}.`, body]) ?? 'signature-mismatch',
  }),
  keptHeaders: () => [HEADER],
  expand,
  keyEncoding: 'utf8',
  outage: '503',
};

function readSignature(head: Head): StripeClaim | RefusalReason {
  const header = oneHeader(head.headers, HEADER);
  if (typeof header === 'string') return `signature-${header}`;
  const items = header.value.split(',', MAX_ITEMS + 1);
  if (items.length > MAX_ITEMS) return 'signature-excessive';
  const times: string[] = [];
  const signatures: Buffer[] = [];
  for (const item of items) {
    const [, name, value] = ITEM.exec(item) ?? [];
    if (name === undefined || value === undefined) return 'signature-malformed';
    if (name === 't') times.push(value);
    if (name !== 'v1') continue;
    const signature = decodeHex(value, SHA256_BYTES);
    if (signature === undefined) return 'signature-malformed';
    signatures.push(signature);
  }
  const [timestamp] = times;
  if (timestamp === undefined) return 'timestamp-missing';
  if (times.length > 1) return 'timestamp-repeated';
  if (signatures.length === 0) return 'signature-unsupported';
  return timestampFault(timestamp, head.nowMs) ?? { timestamp, signatures };
}

/** `data` holds ids only; the object itself is in `raw`. Thin events (`v2.core.event`) have none. */
function expand({ body, sha256 }: KeptReceipt): Expansion {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const event = objectOf(parsed.value);
  const id = textOf(event['id']);
  const name = textOf(event['type']);
  const object = objectOf(objectOf(event['data'])['object']);
  const customer = textOf(object['object']) === 'customer' ? textOf(object['id']) : textOf(object['customer']);
  return {
    ok: true,
    events: [
      {
        key: id === undefined ? keyOfHash(sha256) : keyOfIds(id),
        type: typeOf('stripe', name ?? 'unknown'),
        occurredAt: timeOfSeconds(event['created']) ?? timeOfIso(event['created']),
        subjects: subjectsOf(
          customerSubject(customer),
          emailSubject(textOf(object['email']) ?? textOf(object['receipt_email']) ?? textOf(object['customer_email'])),
        ),
        data: compact({
          id,
          name,
          objectId: textOf(object['id']),
          objectType: textOf(object['object']),
          customerId: customer,
          account: textOf(event['account']),
          livemode: event['livemode'],
        }),
        raw: parsed.value,
      },
    ],
  };
}
