import type { Expansion, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash, keyOfIds } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Provider } from '#webhooks/provider.ts';
import { compact, objectOf, textOf, timeOfIso, timeOfSeconds } from '#webhooks/read-json.ts';
import { jsonSample } from '#webhooks/sample-json.ts';
import { macText, matchHmac } from '#webhooks/signature/hmac.ts';
import { readTimedList, type TimedClaim } from '#webhooks/signature/timed-list.ts';
import { secondsText } from '#webhooks/signature/timestamp.ts';
import { signed } from '#webhooks/signed.ts';
import { customerSubject, emailSubject, subjectsOf } from '#webhooks/subject.ts';

const HEADER = 'stripe-signature';
const LIST = { header: HEADER, separator: ',', timeName: 't', signatureName: 'v1' } as const;

/**
 * Stripe ("Receive Stripe events"): `t=<seconds>,v1=<hex>[,v1=<hex>]` over `t.body`; several `v1` while a secret is rolled.
 * Other versions, such as the test scheme `v0`, count for nothing. The key is the literal `whsec_…`, prefix included.
 */
export const stripe: Provider = {
  words: {
    signature: '`stripe-signature`, five minutes either way',
    copies: 'the body',
    afterwards: 'it repeats for three days',
  },
  ...signed<TimedClaim>({
    claim: (_sender, head) => readTimedList(head, LIST),
    prove: (sender, { body }, { timestamp, signatures }) =>
      matchHmac('sha256', sender.keys, signatures, [`${timestamp}.`, body]) ?? 'signature-mismatch',
  }),
  keptHeaders: () => [HEADER],
  expand,
  keyEncoding: 'utf8',
  outage: '503',
  signatureHeaderOf: () => HEADER,
  signsUrl: false,
  sign({ key }, { body, nowMs }) {
    const time = secondsText(nowMs);
    return { [HEADER]: `t=${time},v1=${macText(key, 'hex', `${time}.`, body)}` };
  },
  sample: (n, nowMs) =>
    jsonSample(
      {
        id: `evt_${n}`,
        object: 'event',
        type: 'payment_intent.succeeded',
        created: Math.floor(nowMs / 1000),
        api_version: '2026-08-27',
        livemode: false,
        data: { object: { id: `pi_${n}`, object: 'payment_intent', amount: 4200, currency: 'eur', customer: 'cus_7' } },
      },
      { 'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)' },
    ),
};

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
