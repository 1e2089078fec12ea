import { canonicalBytes } from '#access/base64url.ts';

const MAX_LENGTH = 4_096;

/** RFC 7515 §3.1 in the strict charset of RFC 8725bis: three parts, none empty. */
const FORM = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

export interface CompactForm {
  header: Buffer;
  payload: Buffer;
}

/**
 * The parts of a compact JWS, or undefined where its text is not the one text of its bytes. Libraries pass over spaces, line
 * breaks, padding and left-over bits, so that many texts would be one token.
 */
export function readCompactForm(token: string): CompactForm | undefined {
  if (token.length > MAX_LENGTH) return undefined;
  const [, headerText = '', payloadText = '', signatureText = ''] = FORM.exec(token) ?? [];
  const header = canonicalBytes(headerText);
  const payload = canonicalBytes(payloadText);
  if (headerText === '' || header === undefined || payload === undefined) return undefined;
  return canonicalBytes(signatureText) === undefined ? undefined : { header, payload };
}
