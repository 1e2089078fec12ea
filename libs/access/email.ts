import { domainToASCII } from 'node:url';

/** RFC 5321 §4.5.3.1: a path of 256 bytes less its brackets. */
const MAX_BYTES = 254;
/** RFC 5322 dot-atom, with letters and digits of any script (RFC 6531); no quoted form. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The one form in which an address is stored, looked up and counted: NFC, lower case, the domain in ASCII. Undefined for
 * what is no address, and for characters that only look like others (full width, ligatures, joiners): accounts never merge.
 */
export function canonicalEmail(text: string): string | undefined {
  if (text.length > MAX_BYTES) return undefined;
  const normal = text.replaceAll(/^ +| +$/g, '').normalize('NFC');
  // Parsing a domain drops line breaks and tabs.
  if (normal !== normal.normalize('NFKC') || /[\p{C}\s]/u.test(normal)) return undefined;
  const at = normal.lastIndexOf('@');
  if (at < 1) return undefined;
  const local = normal.slice(0, at);
  const domain = domainToASCII(normal.slice(at + 1));
  if (local.length > 64 || !LOCAL_PART.test(local) || !DOMAIN.test(domain)) return undefined;
  const email = `${local.toLowerCase().normalize('NFC')}@${domain}`;
  return Buffer.byteLength(email) <= MAX_BYTES ? email : undefined;
}
