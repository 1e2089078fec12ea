import { verify } from 'node:crypto';
import type { Expansion, KeptReceipt } from '#webhooks/event.ts';
import { keyOfHash, keyOfIds } from '#webhooks/event-key.ts';
import { parseJson } from '#webhooks/parse-json.ts';
import type { Head, Provider, RefusalReason, Sender, SourceKey } from '#webhooks/provider.ts';
import { objectOf, textOf, timeOfIso } from '#webhooks/read-json.ts';
import { isoSeconds, jsonSample } from '#webhooks/sample-json.ts';
import { signStandardWebhook } from '#webhooks/sign-standard-webhook.ts';
import { decodeBase64 } from '#webhooks/signature/encoding.ts';
import { oneHeader } from '#webhooks/signature/header.ts';
import { matchHmac } from '#webhooks/signature/hmac.ts';
import { freshTimestamp } from '#webhooks/signature/timestamp.ts';
import { sha256, signed } from '#webhooks/signed.ts';

/** Without `.`, or the borders between id, time and body could be moved. */
const ID = /^[A-Za-z0-9_-]{1,128}$/;
const ITEM = /^([a-z0-9]{1,8}),([!-~]{1,200})$/;
const MAX_SIGNATURES = 8;
const HMAC_BYTES = 32;
const ED25519_BYTES = 64;

interface StandardClaim {
  id: string;
  timestamp: string;
  /** HMAC-SHA256. */
  v1: Buffer[];
  /** Ed25519. */
  v1a: Buffer[];
}

/**
 * Standard Webhooks 1.0.0: `v1` (HMAC-SHA256, key `whsec_…`) and `v1a` (Ed25519, key `whpk_…`) over `id.timestamp.body`. Which
 * of them counts depends on the keys of the sender alone. Svix's own header names are read where the standard ones are absent.
 */
export const standardWebhooks: Provider = {
  words: {
    signature: '`webhook-signature`, v1 (HMAC) and v1a (Ed25519, `whpk_…`)',
    copies: '`webhook-id`',
    afterwards: 'the specification has senders repeat for days',
  },
  ...signed<StandardClaim>({
    claim: readClaim,
    prove(sender, { body }, { id, timestamp, v1, v1a }) {
      const prefix = `${id}.${timestamp}.`;
      const hmac = matchHmac('sha256', sender.keys, v1, [prefix, body]);
      const ed25519 =
        v1a.length > 0 ? matchEd25519(sender.keys, v1a, Buffer.concat([Buffer.from(prefix), body])) : undefined;
      return hmac ?? ed25519 ?? 'signature-mismatch';
    },
    dedupeKey: (_sender, _delivery, { id }) => sha256(id),
    textId: (head) => head.headers[`${familyOf(head)}-id`]?.[0],
  }),
  keptHeaders: () => [
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
    'svix-id',
    'svix-timestamp',
    'svix-signature',
  ],
  expand,
  keyEncoding: 'whsec',
  outage: '503',
  signatureHeaderOf: () => 'webhook-signature',
  signsUrl: false,
  sign: ({ key }, unsigned) => signStandardWebhook(key, unsigned),
  sample: (n, nowMs) =>
    jsonSample({ type: 'contact.created', timestamp: `${isoSeconds(nowMs)}Z`, data: { id: `contact-${n}` } }),
};

function familyOf({ headers }: Head): 'webhook' | 'svix' {
  return headers['webhook-signature'] === undefined && headers['svix-signature'] !== undefined ? 'svix' : 'webhook';
}

function readClaim(sender: Sender, head: Head): StandardClaim | RefusalReason {
  const family = familyOf(head);
  const header = oneHeader(head.headers, `${family}-signature`);
  if (typeof header === 'string') return `signature-${header}`;
  const id = oneHeader(head.headers, `${family}-id`);
  if (typeof id === 'string') return `id-${id}`;
  if (!ID.test(id.value)) return 'id-malformed';
  const timestamp = freshTimestamp(head, `${family}-timestamp`);
  if (typeof timestamp === 'string') return timestamp;
  const signatures = readSignatures(sender, header.value);
  return typeof signatures === 'string' ? signatures : { id: id.value, timestamp: timestamp.text, ...signatures };
}

function readSignatures({ keys }: Sender, list: string): Pick<StandardClaim, 'v1' | 'v1a'> | RefusalReason {
  const items = list.split(' ', MAX_SIGNATURES + 1);
  if (items.length > MAX_SIGNATURES) return 'signature-excessive';
  const v1: Buffer[] = [];
  const v1a: Buffer[] = [];
  for (const item of items) {
    const [, version, text] = ITEM.exec(item) ?? [];
    if (version === undefined || text === undefined) return 'signature-malformed';
    if (version !== 'v1' && version !== 'v1a') continue;
    const signature = decodeBase64(text, version === 'v1' ? HMAC_BYTES : ED25519_BYTES);
    if (signature === undefined) return 'signature-malformed';
    (version === 'v1' ? v1 : v1a).push(signature);
  }
  const isUsable = keys.some(({ key }) => (key.type === 'secret' ? v1 : v1a).length > 0);
  return isUsable ? { v1, v1a } : 'signature-unsupported';
}

function matchEd25519(
  keys: readonly SourceKey[],
  signatures: readonly Buffer[],
  message: Buffer,
): SourceKey | undefined {
  let match: SourceKey | undefined;
  for (const candidate of keys) {
    if (candidate.key.type !== 'public') continue;
    // Ed25519 takes no digest (RFC 8032).
    for (const signature of signatures) if (verify(null, message, candidate.key, signature)) match ??= candidate;
  }
  return match;
}

const TYPE = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,100}$/;

/** The payload that the specification recommends, `{ type, timestamp, data }`; the event's name is its `type`. */
function expand({ body, sha256, headers }: KeptReceipt): Expansion {
  const id = textOf(headers['webhook-id'] ?? headers['svix-id']);
  const key = id === undefined ? keyOfHash(sha256) : keyOfIds(id);
  const parsed = parseJson(body);
  if (!parsed.ok) return parsed;
  const payload = objectOf(parsed.value);
  const name = textOf(payload['type']);
  return {
    ok: true,
    events: [
      {
        key,
        type: name !== undefined && TYPE.test(name) ? name : 'standard-webhooks.unknown',
        occurredAt: timeOfIso(payload['timestamp']),
        subjects: [],
        data: objectOf(payload['data']),
        raw: parsed.value,
      },
    ],
  };
}
