import { compactVerify, SignJWT } from 'jose';
import { Failure } from '#runtime/failure.ts';
import { newId } from '#runtime/id.ts';
import { soon, type Soon } from '#runtime/soon.ts';
import { z } from 'zod';
import { BoundedMap } from '#access/bounded-map.ts';
import { readCompactForm } from '#access/compact-form.ts';
import { ALGORITHM } from '#access/rotate-signing-key.ts';
import type { SigningKeys } from '#access/signing-keys.ts';

export interface AccessTokenClaims {
  userId: string;
  sessionId: string;
}

export interface AccessTokens {
  make(claims: AccessTokenClaims): Promise<string>;
  /**
   * What an authentic token of ours says, at once if it was read before. Whether its session lives is another question.
   * @throws Failure `token-invalid`, the same for every fault.
   */
  read(token: string): Soon<AccessTokenClaims>;
  readonly ttlSeconds: number;
}

export interface AccessTokenOptions {
  keys: SigningKeys;
  /** Issuer and audience: our own origin. */
  issuer: string;
  ttlSeconds: number;
  nowSeconds?: () => number;
}

const MAX_SKEW_SECONDS = 30;
const MAX_VERIFIED = 20_000;
const TYPE = 'at+jwt';
const CLIENT_ID = 'portcullis';

const headerSchema = z.strictObject({
  alg: z.literal(ALGORITHM),
  typ: z.literal(TYPE),
  kid: z.string().regex(/^[A-Za-z0-9_-]{16}$/),
});

const id = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
const time = z.int().min(0);

/** RFC 9068 §2.2. No role: it is read with the session, so that a change of it applies at once. */
const claimsOf = (issuer: string) =>
  z.strictObject({
    iss: z.literal(issuer),
    aud: z.literal(issuer),
    sub: id,
    client_id: z.literal(CLIENT_ID),
    sid: id,
    jti: id,
    iat: time,
    exp: time,
  });

type Claims = z.infer<ReturnType<typeof claimsOf>>;

interface Verified {
  kid: string;
  claims: Claims;
}

const idsOf = ({ claims }: Verified): AccessTokenClaims => ({ userId: claims.sub, sessionId: claims.sid });

/** Signs access tokens (RFC 9068) and lets in only what this very code could have made. */
export function openAccessTokens({
  keys,
  issuer,
  ttlSeconds,
  nowSeconds = () => Date.now() / 1_000,
}: AccessTokenOptions): AccessTokens {
  const schema = claimsOf(issuer);
  // Keyed by every byte of the token, which is safe only because just one text passes for one token.
  const verified = new BoundedMap<string, Verified>(MAX_VERIFIED);

  async function verify(token: string): Promise<Verified> {
    const { header, payload } = readCompactForm(token) ?? refuse();
    const { kid } = parsed(headerSchema, header);
    const key = (await keys.byId(kid)) ?? refuse();
    await compactVerify(token, key, { algorithms: [ALGORITHM] }).catch(refuse);
    const claims = parsed(schema, payload);
    if (claims.exp - claims.iat > 3_600 || claims.exp <= claims.iat) refuse();
    return { kid, claims };
  }

  function requireNow({ claims }: Verified): void {
    const now = nowSeconds();
    if (claims.exp <= now || claims.iat > now + MAX_SKEW_SECONDS) refuse();
  }

  async function readUnknown(token: string): Promise<AccessTokenClaims> {
    const found = await verify(token);
    requireNow(found);
    verified.set(token, found);
    return idsOf(found);
  }

  return {
    ttlSeconds,
    async make({ userId, sessionId }) {
      const { kid, privateKey } = await keys.current();
      const iat = Math.floor(nowSeconds());
      const claims: Claims = {
        iss: issuer,
        aud: issuer,
        sub: userId,
        client_id: CLIENT_ID,
        sid: sessionId,
        jti: newId(),
        iat,
        exp: iat + ttlSeconds,
      };
      return new SignJWT({ ...claims }).setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid }).sign(privateKey);
    },
    read(token) {
      const known = verified.get(token);
      if (known === undefined) return readUnknown(token);
      requireNow(known);
      return soon(keys.verifies(known.kid), (verifies) => (verifies ? idsOf(known) : refuse()));
    },
  };
}

/**
 * Our own tokens are made by JSON.stringify, so that whatever does not come back as the same text (duplicate keys, 1e400,
 * white space) was not made here.
 */
function parsed<T>(schema: z.ZodType<T>, part: Buffer): T {
  const text = part.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    refuse();
  }
  if (JSON.stringify(value) !== text) refuse();
  const result = schema.safeParse(value);
  return result.success ? result.data : refuse();
}

function refuse(): never {
  throw new Failure('token-invalid');
}
