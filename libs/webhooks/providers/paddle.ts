import type { Expansion, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash, keyOfIds } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Provider } from '#webhooks/provider.ts';
import { compact, objectOf, textOf, timeOfIso } from '#webhooks/read-json.ts';
import { jsonSample } from '#webhooks/sample-json.ts';
import { macText, matchHmac } from '#webhooks/signature/hmac.ts';
import { readTimedList, type TimedClaim } from '#webhooks/signature/timed-list.ts';
import { secondsText } from '#webhooks/signature/timestamp.ts';
import { signed } from '#webhooks/signed.ts';
import { customerSubject, emailSubject, subjectsOf } from '#webhooks/subject.ts';

const HEADER = 'paddle-signature';
const LIST = { header: HEADER, separator: ';', timeName: 'ts', signatureName: 'h1' } as const;

/**
 * Paddle Billing ("Verify webhook signatures"): `ts=<seconds>;h1=<hex>[;h1=<hex>]` over `ts:body`; several `h1` while a secret
 * is changed. Paddle Classic signs otherwise and is not meant. The key is the literal `pdl_ntfset_…`.
 */
export const paddle: Provider = {
  words: {
    signature: '`paddle-signature`, five minutes either way',
    copies: 'the body',
    afterwards: 'it repeats for three days',
  },
  ...signed<TimedClaim>({
    claim: (_sender, head) => readTimedList(head, LIST),
    prove: (sender, { body }, { timestamp, signatures }) =>
      matchHmac('sha256', sender.keys, signatures, [`${timestamp}:`, body]) ?? 'signature-mismatch',
  }),
  keptHeaders: () => [HEADER],
  expand,
  keyEncoding: 'utf8',
  outage: '503',
  signatureHeaderOf: () => HEADER,
  signsUrl: false,
  sign({ key }, { body, nowMs }) {
    const time = secondsText(nowMs);
    return { [HEADER]: `ts=${time};h1=${macText(key, 'hex', `${time}:`, body)}` };
  },
  sample: (n, nowMs) =>
    jsonSample({
      event_id: `evt_${n}`,
      event_type: 'transaction.completed',
      occurred_at: new Date(nowMs).toISOString(),
      notification_id: `ntf_${n}`,
      data: { id: `txn_${n}`, status: 'completed', customer_id: 'ctm_7', currency_code: 'EUR' },
    }),
};

/** `data` holds ids only; the entity itself is in `raw`. A notification that is sent once more keeps its event's id. */
function expand({ body, sha256 }: KeptReceipt): Expansion {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const event = objectOf(parsed.value);
  const id = textOf(event['event_id']);
  const name = textOf(event['event_type']);
  const entity = objectOf(event['data']);
  const objectId = textOf(entity['id']);
  const customer = name?.startsWith('customer.') === true ? objectId : textOf(entity['customer_id']);
  return {
    ok: true,
    events: [
      {
        key: id === undefined ? keyOfHash(sha256) : keyOfIds(id),
        type: typeOf('paddle', name ?? 'unknown'),
        occurredAt: timeOfIso(event['occurred_at']),
        subjects: subjectsOf(customerSubject(customer), emailSubject(textOf(entity['email']))),
        data: compact({ id, name, objectId, customerId: customer, status: textOf(entity['status']) }),
        raw: parsed.value,
      },
    ],
  };
}
