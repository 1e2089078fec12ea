import type {
  EventDraft,
  Expansion,
  JsonObject,
  KeptReceipt,
  MessageData,
  MessageStatusData,
} from '#webhooks/event.ts';
import { keyOfHash, keyOfIds } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { formObject, parseForm } from '#webhooks/parse-form.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import { compact, objectsOf, textOf, timeOfIso } from '#webhooks/read-json.ts';
import { phoneSubject, subjectsOf } from '#webhooks/subject.ts';

const JSON_START = /^\s*[[{]/;

/** Messages and their statuses come as forms; Event Streams come as JSON, several events in one array. */
export function expandTwilio({ body, sha256 }: KeptReceipt): Expansion {
  if (JSON_START.test(body.subarray(0, 64).toString('latin1'))) return expandStream(body, sha256);
  const fields = parseForm(body);
  return fields === undefined
    ? { ok: false, reason: 'form-invalid' }
    : { ok: true, events: [formEvent(formObject(fields), sha256)] };
}

function formEvent(form: JsonObject, sha256: Buffer): EventDraft {
  const sid = textOf(form['MessageSid']) ?? textOf(form['SmsSid']);
  const status = textOf(form['MessageStatus']);
  const from = textOf(form['From']);
  const to = textOf(form['To']);
  const base = { occurredAt: undefined, subjects: subjectsOf(phoneSubject(from), phoneSubject(to)), raw: form };
  if (sid === undefined) {
    const data = compact({ callSid: textOf(form['CallSid']), from, to });
    return {
      ...base,
      key: keyOfHash(sha256),
      type: typeOf('twilio', data['callSid'] === undefined ? 'unknown' : 'call'),
      data,
    };
  }
  if (status !== undefined) return { ...base, ...statusPart(form, sid, status) };
  return { ...base, ...messagePart(form, sid) };
}

const channelOf = (address: string | undefined): 'whatsapp' | 'sms' =>
  address?.startsWith('whatsapp:') === true ? 'whatsapp' : 'sms';

/** Twilio's words for the steps of the common ladder. */
const STATUSES: Record<string, string> = {
  accepted: 'pending',
  scheduled: 'pending',
  queued: 'pending',
  sending: 'pending',
  undelivered: 'failed',
  canceled: 'failed',
};

function statusPart(form: JsonObject, sid: string, status: string): Pick<EventDraft, 'key' | 'type' | 'data'> {
  const to = textOf(form['To']);
  return {
    key: keyOfIds(sid, status),
    type: 'message.status',
    data: compact({
      channel: channelOf(to),
      account: textOf(form['AccountSid']),
      messageId: sid,
      status: Object.hasOwn(STATUSES, status) ? STATUSES[status] : status,
      recipient: to,
      sender: textOf(form['From']),
      errors: form['ErrorCode'] === undefined ? undefined : [{ code: form['ErrorCode'] }],
    } satisfies MessageStatusData),
  };
}

function messagePart(form: JsonObject, sid: string): Pick<EventDraft, 'key' | 'type' | 'data'> {
  const from = textOf(form['From']);
  const mediaType = textOf(form['MediaContentType0']);
  return {
    key: keyOfIds(sid),
    type: 'message.received',
    data: compact({
      channel: channelOf(from),
      account: textOf(form['AccountSid']),
      messageId: sid,
      from,
      fromName: textOf(form['ProfileName']),
      to: textOf(form['To']),
      kind: mediaType === undefined ? 'text' : mediaType.split('/', 1)[0],
      text: textOf(form['Body']),
      media: mediaType === undefined ? undefined : compact({ mimeType: mediaType }),
      replyTo: textOf(form['OriginalRepliedMessageSid']),
    } satisfies MessageData),
  };
}

function expandStream(body: Buffer, sha256: Buffer): Expansion {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const items = objectsOf(Array.isArray(parsed.value) ? parsed.value : [parsed.value]);
  const events = items.map((item): EventDraft => {
    const id = textOf(item['id']);
    const name = textOf(item['type']);
    return {
      key: id === undefined ? keyOfHash(sha256) : keyOfIds(id),
      type: typeOf('twilio', name?.replace(/^com\.twilio\./, '').toLowerCase() ?? 'unknown'),
      occurredAt: timeOfIso(item['time']),
      subjects: [],
      data: compact({ id, name }),
      raw: item,
    };
  });
  return { ok: true, events };
}
