/**
 * The SHA-256 that a `Repr-Digest` names (RFC 9530 §3): `sha-256=:base64:`. Undefined if it names none, null if the
 * one it names is malformed.
 */
export function sha256Of(header: string): Buffer | null | undefined {
  for (const member of header.split(',')) {
    const match = /^\s*([a-z0-9*._-]+)=(.*?)\s*$/.exec(member);
    if (match?.[1] !== 'sha-256') continue;
    const value = /^:([A-Za-z0-9+/]{43}=):$/.exec(match[2] ?? '');
    return value === null ? null : Buffer.from(value[1] ?? '', 'base64');
  }
  return undefined;
}

export function reprDigest(sha256: Buffer): string {
  return `sha-256=:${sha256.toString('base64')}:`;
}
