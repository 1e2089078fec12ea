import { decodeKey, keyEncodings } from '#webhooks/key.ts';
import type { Delivery, RefusalReason } from '#webhooks/provider.ts';
import { providerNames, providers } from '#webhooks/providers.ts';
import type { Source } from '#webhooks/source.ts';
import { verify } from '#webhooks/verify.ts';
import { bodyChanges } from './body-changes.ts';

export interface Question {
  source: Source;
  delivery: Delivery;
  /** The secrets as they were written, so that they can be read in another way as well. */
  secrets: readonly string[];
}

export interface Explanation {
  matches: boolean;
  /** For people; never a secret, never a MAC that was not sent. */
  lines: string[];
}

/** Says why a signature does or doesn't match, and tries the mistakes that are commonly behind it. */
export function explain(question: Question): Explanation {
  const { source, delivery } = question;
  const verification = verify(source, delivery);
  if (verification.ok) {
    const by = verification.secretLabel === undefined ? '' : `, by the secret ${verification.secretLabel}`;
    return { matches: true, lines: [`it matches: ${verification.verdict}${by}`] };
  }
  const { reason } = verification;
  const lines = [`it does not match (${reason}): ${meanings[reason]}`, ...headerHints(source, delivery)];
  if (reason === 'timestamp-old' || reason === 'timestamp-ahead') lines.push(...timeHints(question));
  if (reason === 'signature-mismatch') lines.push(...mismatchHints(question));
  return { matches: false, lines };
}

const meanings: Record<RefusalReason, string> = {
  'source-unknown': 'there is no such source',
  'method-unsupported': 'this provider sends by POST',
  'signature-missing': 'the signature header is not there',
  'signature-repeated': 'the signature header comes more than once; a proxy may have doubled it',
  'signature-malformed': 'the signature header does not have the form that this provider writes',
  'signature-unsupported': 'no signature in the header is of a version that the given secrets can check',
  'signature-excessive': 'the header holds more signatures than any sender needs',
  'signature-mismatch': 'the header is well-formed, but was not made with this secret over exactly this',
  'timestamp-missing': 'the signed time is not there',
  'timestamp-repeated': 'the signed time is there more than once',
  'timestamp-malformed': 'the signed time is not 10 digits',
  'timestamp-old': 'the signed time is more than 300 s ago',
  'timestamp-ahead': 'the signed time is more than 300 s ahead; a clock may be wrong',
  'id-missing': 'the signed id is not there',
  'id-repeated': 'the signed id is there more than once',
  'id-malformed': 'the signed id is not 1 to 128 of A-Z, a-z, 0-9, _ and -',
  'challenge-malformed': 'hub.mode=subscribe, hub.challenge and hub.verify_token must be there once each',
  'token-mismatch': 'hub.verify_token is none of the given tokens',
  'body-empty': 'there is no body',
  'body-invalid': 'the signature is right, but the body is not UTF-8',
  'body-mismatch': 'the URL is signed, but bodySHA256 in it is the hash of another body',
};

const LEGACY = 'x-hub-signature';

function headerHints(source: Source, { headers }: Delivery): string[] {
  const wanted = signatureHeaderOf(source);
  const value = headers[wanted]?.[0];
  if (value === undefined) return missingHints(source, headers);
  const hints: string[] = [];
  if (/^[\w-]*=?(?=.*[A-F])[0-9a-fA-F]+$/.test(value)) hints.push(`${wanted} is in upper case, it must be lower`);
  if (value.includes(', ')) hints.push(`${wanted} holds two values joined by a comma; a proxy may have doubled it`);
  if (/^(?=.*[-_])[\w-]+=?$/.test(value)) hints.push(`${wanted} looks like the URL-safe alphabet of base64`);
  return hints;
}

function missingHints(source: Source, headers: Delivery['headers']): string[] {
  const hints = headers[LEGACY] === undefined ? [] : [`there is ${LEGACY}: that is SHA-1 and never looked at`];
  const others = providerNames.filter((provider) => {
    const header = signatureHeaderOf({ ...source, provider });
    return header !== signatureHeaderOf(source) && headers[header] !== undefined;
  });
  if (others.length > 0) hints.push(`there are the headers of another provider: ${others.join(' or ')}`);
  return hints;
}

function signatureHeaderOf(source: Source): string {
  return providers[source.provider].signatureHeaderOf(source);
}

/** Whether the signature is right, whatever else may be wrong. */
function isSigned(source: Source, delivery: Delivery): boolean {
  const verification = verify(source, delivery);
  return verification.ok || verification.reason === 'body-invalid';
}

function timeHints({ source, delivery }: Question): string[] {
  const texts = Object.values(delivery.headers).flat().join(' ');
  const signedAt = /\b\d{10}\b/.exec(texts)?.[0];
  if (signedAt === undefined) return [];
  const nowMs = Number(signedAt) * 1_000;
  return [
    `it was signed at ${new Date(nowMs).toISOString()}`,
    isSigned(source, { ...delivery, nowMs }) ? 'apart from that it matches' : 'and it does not match apart from that',
  ];
}

function mismatchHints(question: Question): string[] {
  const hints = [...bodyHints(question), ...secretHints(question), ...urlHints(question)];
  if (hints.length > 0) return hints;
  return ['none of the usual mistakes explains it: it may be another secret, or the body was changed on its way'];
}

function bodyHints({ source, delivery }: Question): string[] {
  return bodyChanges
    .filter(({ undo }) => {
      const body = undo(delivery.body);
      return body !== undefined && !body.equals(delivery.body) && isSigned(source, { ...delivery, body });
    })
    .map(({ hint }) => hint);
}

/** A secret may have been read in the wrong way, or copied with something around it. */
function secretHints({ source, delivery, secrets }: Question): string[] {
  const hints = new Set<string>();
  const tryKey = (text: string, encoding: (typeof keyEncodings)[number], hint: string): void => {
    const decoded = decodeKey(text, encoding);
    if (typeof decoded === 'string') return;
    if (isSigned({ ...source, keys: [{ label: 'tried', key: decoded.key }] }, delivery)) hints.add(hint);
  };
  for (const secret of secrets) {
    for (const encoding of keyEncodings) tryKey(secret, encoding, `it matches when the secret is read as ${encoding}`);
    tryKey(`${secret}\n`, 'utf8', 'it was signed with a line break at the end of the secret');
    tryKey(secret.replace(/^whsec_/, ''), 'utf8', 'it was signed with the secret without its prefix whsec_');
  }
  return [...hints];
}

function urlHints({ source, delivery }: Question): string[] {
  if (!providers[source.provider].signsUrl) return [];
  const { publicUrl = '' } = source;
  const changes: [hint: string, source: Source, delivery: Delivery][] = [
    ['the URL was signed as http', { ...source, publicUrl: publicUrl.replace(/^https:/, 'http:') }, delivery],
    ['the URL was signed as https', { ...source, publicUrl: publicUrl.replace(/^http:/, 'https:') }, delivery],
    ['the URL was signed with a slash at its end', source, { ...delivery, path: `${delivery.path}/` }],
    ['the URL was signed without its query', source, { ...delivery, query: '' }],
  ];
  return changes.filter(([, changed, request]) => isSigned(changed, request)).map(([hint]) => hint);
}
