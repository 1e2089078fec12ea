import type { Expansion, Json, JsonObject, KeptReceipt, MessageData } from '#webhooks/event.ts';
import { keyOfHash, keyOfIds } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { formJson, formObject, parseForm } from '#webhooks/parse-form.ts';
import { parseJson, type ParsedJson } from '#webhooks/parse-json.ts';
import type { Delivery, Provider, Reply } from '#webhooks/provider.ts';
import { compact, objectOf, textOf, timeOfSeconds } from '#webhooks/read-json.ts';
import { jsonSample } from '#webhooks/sample-json.ts';
import { hexMac, type MacClaim } from '#webhooks/signature/body-mac.ts';
import { macText, matchHmac } from '#webhooks/signature/hmac.ts';
import { freshTimestamp, secondsText } from '#webhooks/signature/timestamp.ts';
import { signed } from '#webhooks/signed.ts';
import { subjectsOf, userSubject } from '#webhooks/subject.ts';

const HEADER = 'x-slack-signature';
const TIMESTAMP_HEADER = 'x-slack-request-timestamp';
const MAX_CHALLENGE_BODY_BYTES = 4_096;
const MAX_CHALLENGE_CHARACTERS = 1_024;

interface SlackClaim extends MacClaim {
  timestamp: string;
}

/** Slack ("Verifying requests from Slack"): `v0=<hex>` over `v0:timestamp:body`; events, slash commands and interactions alike. */
export const slack: Provider = {
  words: {
    signature: '`x-slack-signature`, five minutes either way',
    copies: 'the body',
    afterwards: 'it gives up in minutes',
  },
  ...signed<SlackClaim>({
    claim(_sender, head) {
      const mac = hexMac(head, HEADER, 'v0=');
      if (typeof mac === 'string') return mac;
      const timestamp = freshTimestamp(head, TIMESTAMP_HEADER);
      return typeof timestamp === 'string' ? timestamp : { ...mac, timestamp: timestamp.text };
    },
    prove: (sender, { body }, { signature, timestamp }) =>
      matchHmac('sha256', sender.keys, [signature], [`v0:${timestamp}:`, body]) ?? 'signature-mismatch',
    recognise: recogniseChallenge,
  }),
  keptHeaders: () => [HEADER, TIMESTAMP_HEADER, 'content-type', 'x-slack-retry-num', 'x-slack-retry-reason'],
  expand,
  keyEncoding: 'utf8',
  outage: 'spool',
  signatureHeaderOf: () => HEADER,
  signsUrl: false,
  sign({ key }, { body, nowMs }) {
    const time = secondsText(nowMs);
    return { [TIMESTAMP_HEADER]: time, [HEADER]: `v0=${macText(key, 'hex', `v0:${time}:`, body)}` };
  },
  sample: (n, nowMs) =>
    jsonSample({
      type: 'event_callback',
      team_id: 'T061EG9R6',
      event_id: `Ev${n}`,
      event_time: Math.floor(nowMs / 1000),
      event: { type: 'message', user: 'U2147483697', channel: 'C2147483705', text: `Hello ${n} 👋`, ts: `${n}.000005` },
    }),
};

/** A proven `url_verification` is answered with its challenge (Slack, "url_verification"). */
function recogniseChallenge({ body }: Delivery): { verdict: 'challenge'; reply: Reply } | undefined {
  if (body.length > MAX_CHALLENGE_BODY_BYTES || !body.includes('url_verification')) return undefined;
  const parsed = parseJson(body);
  const payload = parsed.ok ? objectOf(parsed.value) : {};
  const challenge = textOf(payload['challenge']);
  if (payload['type'] !== 'url_verification' || challenge === undefined) return undefined;
  if (challenge.length > MAX_CHALLENGE_CHARACTERS) return undefined;
  return { verdict: 'challenge', reply: { contentType: 'text/plain; charset=utf-8', text: challenge } };
}

function expand({ body, sha256 }: KeptReceipt): Expansion {
  const parsed = parseBody(body);
  if (!parsed.ok) return parsed;
  const payload = objectOf(parsed.value);
  const event = objectOf(payload['event']);
  const id = textOf(payload['event_id']);
  const isMessage = event['type'] === 'message' && event['subtype'] === undefined && event['bot_id'] === undefined;
  const user = textOf(event['user']) ?? textOf(objectOf(payload['user'])['id']) ?? textOf(payload['user_id']);
  return {
    ok: true,
    events: [
      {
        key: id === undefined ? keyOfHash(sha256) : keyOfIds(id),
        type: isMessage ? 'message.received' : typeOf('slack', nameOf(payload, event)),
        occurredAt: timeOfSeconds(payload['event_time']),
        subjects: subjectsOf(userSubject(user)),
        data: isMessage ? messageData(payload, event, user) : summary(payload, event, user),
        raw: parsed.value,
      },
    ],
  };
}

/** Events are JSON; interactions are JSON in the field `payload` of a form; slash commands are a form. */
function parseBody(body: Buffer): ParsedJson {
  const parsed = formJson(body, 'payload');
  if (parsed.ok || parsed.reason !== 'json-invalid') return parsed;
  const fields = parseForm(body);
  const hasCommand = fields?.some(([name]) => name === 'command') === true;
  return hasCommand ? { ok: true, value: formObject(fields) } : parsed;
}

function nameOf(payload: JsonObject, event: JsonObject): string {
  return (
    textOf(event['type']) ??
    (textOf(payload['command']) === undefined ? (textOf(payload['type']) ?? 'unknown') : 'command')
  );
}

function messageData(payload: JsonObject, event: JsonObject, user: string | undefined): JsonObject {
  const threadOf = (value: Json | undefined): string | undefined => (value === event['ts'] ? undefined : textOf(value));
  return compact({
    channel: 'slack',
    account: textOf(payload['team_id']),
    messageId: textOf(event['client_msg_id']) ?? textOf(event['ts']),
    fromUserId: user,
    toId: textOf(event['channel']),
    kind: 'text',
    text: textOf(event['text']),
    replyTo: threadOf(event['thread_ts']),
  } satisfies MessageData);
}

function summary(payload: JsonObject, event: JsonObject, user: string | undefined): JsonObject {
  return compact({
    name: nameOf(payload, event),
    team: textOf(payload['team_id']) ?? textOf(objectOf(payload['team'])['id']),
    user,
    channelId: textOf(event['channel']) ?? textOf(payload['channel_id']),
    command: textOf(payload['command']),
    text: textOf(payload['text']),
  });
}
