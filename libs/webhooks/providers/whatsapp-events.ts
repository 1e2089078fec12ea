import type {
  EventDraft,
  Expansion,
  Json,
  JsonObject,
  KeptReceipt,
  MessageData,
  MessageStatusData,
} from '#webhooks/event.ts';
import { keyOfHash, keyOfIds, keyOfJson } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import { compact, objectOf, objectsOf, textOf, timeOfSeconds } from '#webhooks/read-json.ts';
import { phoneSubject, subjectsOf, userSubject } from '#webhooks/subject.ts';

/** What one change says about all the updates in it. */
interface Context {
  account: string | undefined;
  metadata: JsonObject;
  contacts: JsonObject[];
}

/**
 * One event per update of a batch (Meta, "Webhooks overview"): each message, each status, each system error; any other
 * change is one event. Nothing is required to be there: `from` and `wa_id` are missing for people who use a username.
 */
export function expandWhatsapp({ body, sha256 }: KeptReceipt): Expansion {
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const events = objectsOf(objectOf(parsed.value)['entry']).flatMap((entry) => eventsOfEntry(entry));
  return { ok: true, events: events.length > 0 ? events : [unrouted(keyOfHash(sha256), parsed.value)] };
}

function eventsOfEntry(entry: JsonObject): EventDraft[] {
  const changes = objectsOf(entry['changes']);
  if (changes.length === 0) return [unrouted(keyOfJson(entry), entry)];
  return changes.flatMap((change) => {
    const value = objectOf(change['value']);
    const context = {
      account: textOf(entry['id']),
      metadata: objectOf(value['metadata']),
      contacts: objectsOf(value['contacts']),
    };
    const updates = [
      ...objectsOf(value['messages']).map((message) => messageEvent(message, context)),
      ...objectsOf(value['statuses']).map((status) => statusEvent(status, context)),
    ];
    return updates.length > 0 ? updates : [changeEvent(entry, change)];
  });
}

function unrouted(key: string, raw: Json): EventDraft {
  return { key, type: 'whatsapp.unknown', occurredAt: undefined, subjects: [], data: {}, raw };
}

/** Account-level news. Its time is part of the key, because the same news may come again later. */
function changeEvent(entry: JsonObject, change: JsonObject): EventDraft {
  const raw = compact({ id: entry['id'], time: entry['time'], ...change });
  return {
    key: keyOfJson(raw),
    type: typeOf('whatsapp', textOf(change['field'])),
    occurredAt: timeOfSeconds(entry['time']),
    subjects: [],
    data: compact({ account: textOf(entry['id']), field: textOf(change['field']) }),
    raw,
  };
}

function statusEvent(status: JsonObject, { account, metadata }: Context): EventDraft {
  const messageId = textOf(status['id']);
  const state = textOf(status['status']);
  const recipient = textOf(status['recipient_id']);
  const recipientUserId = textOf(status['recipient_user_id']);
  return {
    key: messageId !== undefined && state !== undefined ? keyOfIds(messageId, state) : keyOfJson(status),
    type: 'message.status',
    occurredAt: timeOfSeconds(status['timestamp']),
    subjects: subjectsOf(...identitiesIn(status)),
    data: compact({
      channel: 'whatsapp',
      account,
      messageId,
      status: state,
      recipient,
      recipientUserId,
      sender: textOf(metadata['display_phone_number']),
      senderId: textOf(metadata['phone_number_id']),
      errors: status['errors'],
    } satisfies MessageStatusData),
    raw: { status, metadata },
  };
}

const PHONE_NAME = /^(?:from|recipient_id|customer)$|wa_id$/;
const MEDIA_KINDS = ['audio', 'image', 'video', 'document', 'sticker'];

function messageEvent(message: JsonObject, { account, metadata, contacts }: Context): EventDraft {
  const messageId = textOf(message['id']);
  const from = textOf(message['from']);
  const fromUserId = textOf(message['from_user_id']);
  const kind = textOf(message['type']);
  const contact = contacts.find(
    ({ wa_id: phone, user_id: userId }) => isSame(phone, from) || isSame(userId, fromUserId),
  );
  return {
    key: messageId === undefined ? keyOfJson(message) : keyOfIds(messageId),
    type: 'message.received',
    occurredAt: timeOfSeconds(message['timestamp']),
    subjects: subjectsOf(...identitiesIn(message, contact ?? {}, objectOf(message['system']))),
    data: compact({
      channel: 'whatsapp',
      account,
      messageId,
      from,
      fromUserId,
      fromName: textOf(objectOf(contact?.['profile'])['name']),
      to: textOf(metadata['display_phone_number']),
      toId: textOf(metadata['phone_number_id']),
      kind,
      text: textOfMessage(message),
      media: MEDIA_KINDS.includes(kind ?? '') ? mediaOf(objectOf(message[kind ?? ''])) : undefined,
      replyTo: textOf(objectOf(message['context'])['id']),
    } satisfies MessageData),
    raw: compact({ message, metadata, contact }),
  };
}

function isSame(a: Json | undefined, b: string | undefined): boolean {
  return b !== undefined && a === b;
}

/**
 * Every phone and user id that stands in an object under a name that Meta gives them. Of a changed number or user id (`type: "system"`)
 * that is both the old and the new one, so that erasure finds the whole trail.
 */
function identitiesIn(...objects: JsonObject[]): (string | undefined)[] {
  return objects.flatMap((object) =>
    Object.entries(object).map(([name, value]) => {
      if (PHONE_NAME.test(name)) return phoneSubject(textOf(value));
      return name.endsWith('user_id') ? userSubject(textOf(value)) : undefined;
    }),
  );
}

function textOfMessage(message: JsonObject): string | undefined {
  const inside = (name: string, member: string): string | undefined => textOf(objectOf(message[name])[member]);
  const interactive = objectOf(message['interactive']);
  return (
    inside('text', 'body') ??
    inside('button', 'text') ??
    inside('reaction', 'emoji') ??
    inside('system', 'body') ??
    textOf(objectOf(interactive['button_reply'])['title']) ??
    textOf(objectOf(interactive['list_reply'])['title']) ??
    textOf(objectOf(message[textOf(message['type']) ?? ''])['caption'])
  );
}

/** Without the `url` that newer payloads carry: it is the sender's data and no address to fetch from unasked. */
function mediaOf(media: JsonObject): JsonObject {
  return compact({
    id: textOf(media['id']),
    mimeType: textOf(media['mime_type']),
    sha256: textOf(media['sha256']),
    filename: textOf(media['filename']),
  });
}
