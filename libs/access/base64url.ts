/** The bytes of base64url text, or undefined if the text is not the one canonical form of those bytes (RFC 4648 §3.5). */
export function canonicalBytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
