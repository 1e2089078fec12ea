import { createHmac, type KeyObject } from 'node:crypto';
import type { Delivery, Head, Provider, RefusalReason, Sender, SourceKey } from '#webhooks/provider.ts';
import { parseForm } from '#webhooks/parse-form.ts';
import { expandTwilio } from '#webhooks/providers/twilio-events.ts';
import type { MacClaim } from '#webhooks/signature/body-mac.ts';
import { decodeBase64, decodeHex } from '#webhooks/signature/encoding.ts';
import { oneHeader, unsignedHeader } from '#webhooks/signature/header.ts';
import { matchHmac } from '#webhooks/signature/hmac.ts';
import { sha256, signed } from '#webhooks/signed.ts';

const HEADER = 'x-twilio-signature';
const TOKEN_HEADER = 'i-twilio-idempotency-token';
const SHA1_BYTES = 20;
const SHA256_BYTES = 32;
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

/**
 * Twilio ("Webhooks security"): HMAC-SHA1 with the account's auth token over the URL as configured there, then, of a form, every
 * name and value in the order of names. JSON is bound by its SHA-256 in the URL (`bodySHA256`). The URL is made of PUBLIC_URL and the
 * path, never of `Host`.
 */
export const twilio: Provider = {
  words: {
    signature: '`x-twilio-signature` over `PUBLIC_URL` and the parameters',
    copies: 'URL and body',
    afterwards: 'it delivers once by default',
  },
  ...signed<MacClaim>({
    claim: (_sender, head) => readSignature(head),
    prove,
    dedupeKey: (sender, delivery) => sha256(urlOf(sender, delivery) + (signedFields(delivery) ?? '')),
    textId: ({ headers }) => unsignedHeader(headers, TOKEN_HEADER),
    reply: replyTo,
  }),
  keptHeaders: () => [HEADER, TOKEN_HEADER, 'content-type', 'user-agent'],
  expand: expandTwilio,
  keyEncoding: 'utf8',
  outage: 'spool',
  signatureHeaderOf: () => HEADER,
  signsUrl: true,
  sign: ({ key }, { body, url }) => ({ [HEADER]: signatureOf(key, url, body) }),
  sample: (n) => ({
    body: Buffer.from(
      new URLSearchParams({
        AccountSid: 'AC00000000000000000000000000000001',
        Body: `Hello ${n} 👋 & welcome`,
        From: '+4915112345678',
        MessageSid: `SM${String(n).padStart(32, '0')}`,
        NumMedia: '0',
        To: '+4930123456',
      }).toString(),
    ),
    headers: { 'content-type': 'application/x-www-form-urlencoded', [TOKEN_HEADER]: `token-${n}` },
  }),
};

function readSignature(head: Head): MacClaim | RefusalReason {
  const header = oneHeader(head.headers, HEADER);
  if (typeof header === 'string') return `signature-${header}`;
  const signature = decodeBase64(header.value, SHA1_BYTES);
  return signature === undefined ? 'signature-malformed' : { signature };
}

/** Twilio signs sometimes with and sometimes without the port, be it the standard one or another. */
function prove(sender: Sender, delivery: Delivery, { signature }: MacClaim): SourceKey | RefusalReason {
  const fields = signedFields(delivery);
  if (fields === undefined) return 'signature-mismatch';
  const url = urlOf(sender, delivery);
  const withPort = matchHmac('sha1', sender.keys, [signature], [urlWithPort(url), fields]);
  const withoutPort = matchHmac('sha1', sender.keys, [signature], [urlWithoutPort(url), fields]);
  const match = withoutPort ?? withPort;
  if (match === undefined) return 'signature-mismatch';
  return isBodyOf(delivery) ? match : 'body-mismatch';
}

function urlOf({ publicUrl }: Sender, { path, query }: Head): string {
  return `${publicUrl ?? ''}${path}${query === '' ? '' : `?${query}`}`;
}

const AUTHORITY = /^(https?):\/\/([^/?]*?)(:\d+)?(?=[/?]|$)/;

function urlWithPort(url: string): string {
  return url.replace(AUTHORITY, (_all, scheme: string, host: string, port: string | undefined) => {
    return `${scheme}://${host}${port ?? (scheme === 'https' ? ':443' : ':80')}`;
  });
}

function urlWithoutPort(url: string): string {
  return url.replace(AUTHORITY, (_all, scheme: string, host: string) => `${scheme}://${host}`);
}

function bodyHashes(query: string): string[] {
  return new URLSearchParams(query).getAll('bodySHA256');
}

/** Every name with its value, in the order of names; of a repeated one each distinct value, in order. */
function signedFields({ query, body }: Delivery): string | undefined {
  if (bodyHashes(query).length > 0) return '';
  const values = new Map<string, Set<string>>();
  for (const [name, value] of parseForm(body) ?? []) {
    const seen = values.get(name);
    if (seen === undefined) values.set(name, new Set([value]));
    else seen.add(value);
  }
  if (values.size === 0) return undefined;
  const names = [...values.keys()].sort();
  return names
    .map((name) =>
      [...(values.get(name) ?? [])]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
}

/** A form is in the signature; any other body must have the hash that the signed URL names, once. */
function isBodyOf({ query, body }: Delivery): boolean {
  const hashes = bodyHashes(query);
  if (hashes.length === 0) return true;
  const named = hashes.length === 1 ? decodeHex(hashes[0] ?? '', SHA256_BYTES) : undefined;
  return named?.equals(sha256(body)) === true;
}

/** "No answer" in TwiML for a message or a call; a status callback and JSON want an empty body. */
function replyTo({ query, body }: Delivery): { contentType: 'text/xml; charset=utf-8'; text: string } | undefined {
  if (bodyHashes(query).length > 0 || /(?:^|&)MessageStatus=/.test(body.toString('latin1'))) return undefined;
  return { contentType: 'text/xml; charset=utf-8', text: EMPTY_TWIML };
}

/** What Twilio's own sender writes; without repeated names, which its messages don't have. */
function signatureOf(key: KeyObject, url: string, body: Buffer): string {
  const mac = createHmac('sha1', key).update(url);
  if (!url.includes('bodySHA256=')) {
    const fields = (parseForm(body) ?? []).toSorted(([a], [b]) => (a < b ? -1 : 1));
    mac.update(fields.flat().join(''));
  }
  return mac.digest('base64');
}
