const HEX = /^(?:[0-9a-f]{2})+$/;

/** The bytes behind lower-case hex of exactly this many bytes; Node's own decoder stops at the first fault in silence. */
export function decodeHex(text: string, bytes: number): Buffer | undefined {
  return text.length === bytes * 2 && HEX.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/**
 * The bytes behind padded base64 in its canonical form (RFC 4648 §3.5, §4) of exactly this many bytes; Node's own decoder
 * also takes the URL-safe alphabet, spaces and missing padding.
 */
export function decodeBase64(text: string, bytes: number): Buffer | undefined {
  if (text.length !== Math.ceil(bytes / 3) * 4) return undefined;
  const decoded = Buffer.from(text, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === text ? decoded : undefined;
}
