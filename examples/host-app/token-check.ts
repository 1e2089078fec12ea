import { createRemoteJWKSet, jwtVerify } from 'jose';

/** Finds the user that an `Authorization: Bearer` header names, by the keys that Portcullis publishes; undefined if none. */
export function openTokenCheck(ingressUrl: string): (header: string | undefined) => Promise<string | undefined> {
  const issuer = new URL(ingressUrl).origin;
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));
  return async (header) => {
    const token = /^Bearer ([\w.-]+)$/.exec(header ?? '')?.[1];
    if (token === undefined) return undefined;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience: issuer,
        algorithms: ['EdDSA'],
        typ: 'at+jwt',
        requiredClaims: ['sub', 'exp'],
      });
      return payload.sub;
    } catch {
      return undefined;
    }
  };
}
