import type { EventDraft, Expansion, Json, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash } from '#webhooks/event-key.ts';
import { typeOf } from '#webhooks/event-type.ts';
import { formJson } from '#webhooks/parse-form.ts';
import type { Delivery, Provider, Verified } from '#webhooks/provider.ts';
import { compact, objectOf, textOf } from '#webhooks/read-json.ts';
import { jsonSample, uuidTail } from '#webhooks/sample-json.ts';
import { bodyMac, hexMac } from '#webhooks/signature/body-mac.ts';
import { unsignedHeader } from '#webhooks/signature/header.ts';
import { macText } from '#webhooks/signature/hmac.ts';
import { signed } from '#webhooks/signed.ts';
import { subjectsOf, userSubject } from '#webhooks/subject.ts';

const HEADER = 'x-hub-signature-256';
const EVENT_HEADER = 'x-github-event';
const DELIVERY_HEADER = 'x-github-delivery';

/**
 * GitHub ("Validating webhook deliveries"). The SHA-1 in `x-hub-signature` is never looked at. A body may be JSON or a form
 * with `payload=`; the signature is over either as received.
 */
export const github: Provider = {
  words: {
    signature: '`x-hub-signature-256`',
    copies: 'the body',
    afterwards: 'it never repeats',
  },
  ...signed({
    ...bodyMac((_sender, head) => hexMac(head, HEADER, 'sha256=')),
    textId: (head) => unsignedHeader(head.headers, DELIVERY_HEADER),
    recognise: recognisePing,
  }),
  keptHeaders: () => [HEADER, EVENT_HEADER, DELIVERY_HEADER, 'x-github-hook-id', 'content-type', 'user-agent'],
  expand: expandGithub,
  keyEncoding: 'utf8',
  outage: 'spool',
  signatureHeaderOf: () => HEADER,
  signsUrl: false,
  sign: ({ key }, { body }) => ({ [HEADER]: `sha256=${macText(key, 'hex', body)}` }),
  sample: (n) =>
    jsonSample(
      {
        action: 'opened',
        issue: { number: n, title: `Issue ${n}: Größe / "quotes"` },
        repository: { id: 1, full_name: 'octo/hello' },
        sender: { id: 2, login: 'octocat' },
      },
      {
        'user-agent': 'GitHub-Hookshot/044aadd',
        [EVENT_HEADER]: 'issues',
        [DELIVERY_HEADER]: `72d3162e-cc78-11e3-81ab-${uuidTail(n)}`,
      },
    ),
};

/** Nobody signed the event's header, so the signed body must look like a ping as well. */
function recognisePing({ headers, body }: Delivery): { verdict: Verified['verdict'] } | undefined {
  if (unsignedHeader(headers, EVENT_HEADER) !== 'ping') return undefined;
  return body.includes('"zen"') || body.includes('%22zen%22') ? { verdict: 'ping' } : undefined;
}

function expandGithub({ body, sha256, headers }: KeptReceipt): Expansion {
  const parsed = formJson(body, 'payload');
  if (!parsed.ok) return parsed;
  return { ok: true, events: [githubEvent(parsed.value, keyOfHash(sha256), headers[EVENT_HEADER])] };
}

function githubEvent(raw: Json, key: string, event: string | undefined): EventDraft {
  const payload = objectOf(raw);
  const action = textOf(payload['action']);
  const sender = objectOf(payload['sender']);
  return {
    key,
    type: event === undefined ? 'github.unknown' : typeOf('github', event, action),
    occurredAt: undefined,
    subjects: subjectsOf(userSubject(textOf(sender['login']))),
    data: compact({
      event,
      action,
      repository: textOf(objectOf(payload['repository'])['full_name']),
      organization: textOf(objectOf(payload['organization'])['login']),
      sender: textOf(sender['login']),
    }),
    raw,
  };
}
