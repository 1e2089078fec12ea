import type { Json, JsonObject } from '#webhooks/event.ts';

const MASK = '•••';

/** Members that say what something is, when it was, or how much: never who. */
const TELLING_NAMES = new Set([
  'action',
  'amount',
  'api_version',
  'category',
  'channel',
  'code',
  'count',
  'created',
  'currency',
  'event',
  'field',
  'kind',
  'livemode',
  'messaging_product',
  'mime_type',
  'mimeType',
  'object',
  'occurredAt',
  'origin',
  'price',
  'quantity',
  'status',
  'subtotal',
  'time',
  'timestamp',
  'topic',
  'total',
  'type',
  'version',
]);
const TELLING_ENDINGS = /^date_|(?:_at|_date|_time|_total|_type|_status|_gmt|At)$/;
const ID_NAME = /^(?:id|messageId|event_id|order_id|orderId|delivery_id)$/;

/** Values that may stay under such a name: words, times and numbers, nothing that could be free text. */
const WORD = /^[A-Za-z][\w.:/+-]{0,63}$/;
const TIME_OR_NUMBER = /^(?:\d{4}-\d\d-\d\d(?:[T ][\d:.]{5,15}(?:Z|[+-]\d\d:?\d\d)?)?|-?\d{1,13}(?:\.\d{1,9})?)$/;
const SHORT_NUMBER = /^\d{1,6}$/;
const PHONE_LENGTH = /\d{7}/;
const PHONE = /^\+?[\d\s()/-]{5,}\d\d$/;
/** Meta's message ids hold the phone number, in base64. */
const WAMID = /^wamid\./;
const PLAIN_NAME = /^[A-Za-z_][\w.-]{0,63}$/;

/** A text of which only its kind, and of numbers and message ids the end, can be told. */
export function maskText(text: string): string {
  if (WAMID.test(text)) return text.length > 40 ? `wamid.${MASK}${text.slice(-8)}` : `wamid.${MASK}`;
  if (text.includes('@')) return `${MASK}@${MASK}`;
  if (PHONE.test(text)) return `${MASK}${text.slice(-2)}`;
  return MASK;
}

/** The kind of a subject stays: `phone:•••78`. */
export function maskSubject(subject: string): string {
  const at = subject.indexOf(':');
  return at < 0 ? maskText(subject) : `${subject.slice(0, at)}:${maskText(subject.slice(at + 1))}`;
}

/** An id made by a sender, unless it may hold somebody's number or address. */
export function maskId(id: string): string {
  return !WAMID.test(id) && !PHONE_LENGTH.test(withoutHash(id)) && /^[\w.:/+=-]{1,255}$/.test(id) ? id : maskText(id);
}

const withoutHash = (id: string): string => id.replace(/^sha256:[0-9a-f]{64}$/, '');

/**
 * The same structure with every value masked that is not known to be harmless: names, texts, phones and addresses are,
 * whatever a sender calls them.
 */
export function maskJson(value: Json): Json {
  return maskMember('', value);
}

function maskMember(name: string, value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => maskMember(name, item));
  if (typeof value === 'object' && value !== null) return maskObject(value);
  if (typeof value === 'boolean' || value === null) return value;
  const text = String(value);
  return isHarmless(name, text) ? value : maskText(text);
}

function maskObject(object: JsonObject): JsonObject {
  const masked: JsonObject = {};
  let unnamed = 0;
  for (const [name, value] of Object.entries(object)) {
    const isPlain = PLAIN_NAME.test(name) && !PHONE_LENGTH.test(name);
    masked[isPlain ? name : `${MASK}${(unnamed += 1)}`] = maskMember(name, value);
  }
  return masked;
}

function isHarmless(name: string, text: string): boolean {
  if (ID_NAME.test(name)) return SHORT_NUMBER.test(text) || (WORD.test(text) && maskId(text) === text);
  if (!TELLING_NAMES.has(name) && !TELLING_ENDINGS.test(name)) return false;
  return TIME_OR_NUMBER.test(text) || (WORD.test(text) && !PHONE_LENGTH.test(text) && !WAMID.test(text));
}

const PROOF = /signature|hmac|token|authorization/;
const PLAIN_HEADERS =
  /^(?:content-type|content-length|user-agent|x-github-event|x-wc-webhook-(?:topic|event|resource))$/;

/** Headers as kept; signatures are masked, because they let whoever has the body send it again. */
export function maskHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, maskHeader(name, value)]));
}

function maskHeader(name: string, value: string): string {
  if (PROOF.test(name)) return MASK;
  if (name === ':path') return value.split('?', 1)[0] ?? '';
  return PLAIN_HEADERS.test(name) ? value : maskId(value);
}
