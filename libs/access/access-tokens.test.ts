import { compactVerify, exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { openAccessTokens, type AccessTokens } from '#access/access-tokens.ts';
import type { SigningKeys } from '#access/signing-keys.ts';

const ISSUER = 'https://in.example.com';
const KID = 'abcdefghijklmnop';
const USER = '01930000-0000-7000-8000-000000000001';
const SESSION = '01930000-0000-7000-8000-000000000002';
const JTI = '01930000-0000-7000-8000-000000000003';
const NOW = 1_800_000_000;

let privateKey: CryptoKey;
let keys: SigningKeys;
let tokens: AccessTokens;
const verifying = new Map<string, CryptoKey>();
let nowSeconds = NOW;
beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  privateKey = pair.privateKey;
  verifying.set(KID, pair.publicKey);
  keys = {
    current: async () => ({ kid: KID, privateKey }),
    byId: async (kid) => verifying.get(kid),
    verifies: async (kid) => verifying.has(kid),
    published: async () => [await exportJWK(pair.publicKey)],
  };
  tokens = openAccessTokens({ keys, issuer: ISSUER, ttlSeconds: 600, nowSeconds: () => nowSeconds });
});

const claims = {
  iss: ISSUER,
  aud: ISSUER,
  sub: USER,
  client_id: 'portcullis',
  sid: SESSION,
  jti: JTI,
  iat: NOW - 10,
  exp: NOW + 590,
};
const encode = (text: string): string => Buffer.from(text).toString('base64url');

/** Signs any header and payload text with our own key: what is refused then is refused for its form. */
async function signText(header: string, payload: string): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = await crypto.subtle.sign('Ed25519', privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}
const HEADER = JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: KID });
const signClaims = (changed: Record<string, unknown>): Promise<string> =>
  signText(HEADER, JSON.stringify({ ...claims, ...changed }));
const signHeader = (changed: Record<string, unknown>): Promise<string> =>
  signText(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: KID, ...changed }), JSON.stringify(claims));

const refusal = { code: 'token-invalid' };

describe('an access token', () => {
  it('is a JWT that any verifier of EdDSA accepts (RFC 9068)', async () => {
    const token = await tokens.make({ userId: USER, sessionId: SESSION });
    const { protectedHeader, payload } = await compactVerify(token, verifying.get(KID)!);
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: KID });
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({
      iss: ISSUER,
      aud: ISSUER,
      sub: USER,
      sid: SESSION,
      iat: NOW,
      exp: NOW + 600,
    });
  });

  it('says whose it is and in which session', async () => {
    const token = await tokens.make({ userId: USER, sessionId: SESSION });
    expect(await tokens.read(token)).toEqual({ userId: USER, sessionId: SESSION });
    expect(await tokens.read(token)).toEqual({ userId: USER, sessionId: SESSION });
  });

  it('is accepted in the form that this test signs', async () => {
    expect(await tokens.read(await signClaims({}))).toEqual({ userId: USER, sessionId: SESSION });
  });

  it('holds its life out to the second, also when it was seen before', async () => {
    const token = await signClaims({ jti: '01930000-0000-7000-8000-00000000000a' });
    await tokens.read(token);
    nowSeconds = NOW + 589;
    await tokens.read(token);
    nowSeconds = NOW + 590;
    await expect(async () => tokens.read(token)).rejects.toMatchObject(refusal);
    nowSeconds = NOW;
  });

  it('dies with its key, also when it was seen before', async () => {
    const token = await signClaims({ jti: '01930000-0000-7000-8000-00000000000b' });
    await tokens.read(token);
    const key = verifying.get(KID)!;
    verifying.delete(KID);
    await expect(async () => tokens.read(token)).rejects.toMatchObject(refusal);
    verifying.set(KID, key);
  });
});

describe('refused although our own key signed it', () => {
  it.each([
    ['alg none', { alg: 'none' }],
    ['alg noNE', { alg: 'noNE' }],
    ['alg of another allowed kind', { alg: 'ES256' }],
    ['the alg under its other name', { alg: 'Ed25519' }],
    ['no alg', { alg: undefined }],
    ['typ JWT', { typ: 'JWT' }],
    ['typ in full', { typ: 'application/at+jwt' }],
    ['no typ', { typ: undefined }],
    ['no kid', { kid: undefined }],
    ['a kid that is a list', { kid: [KID] }],
    ['a path as kid', { kid: '../../dev/null' }],
    ['SQL as kid', { kid: `${KID}' or '1'='1` }],
    ['__proto__ as kid', { kid: '__proto__' }],
    ['constructor as kid', { kid: 'constructor' }],
    ['a kid of 10 KB', { kid: 'a'.repeat(10_000) }],
    ['an unknown kid', { kid: 'ponmlkjihgfedcba' }],
    ['jku', { jku: 'http://127.0.0.1:1/jwks' }],
    ['x5u', { x5u: 'http://127.0.0.1:1/x5u' }],
    ['x5c', { x5c: ['AAAA'] }],
    ['jwk', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } }],
    ['an unknown crit', { crit: ['x'], x: 1 }],
    ['b64 false', { b64: false, crit: ['b64'] }],
    ['zip', { zip: 'DEF' }],
    ['a further member', { cty: 'JWT' }],
  ])('for its header: %s', async (_, changed) => {
    await expect(tokens.read(await signHeader(changed))).rejects.toMatchObject(refusal);
  });

  it.each([
    ['exp in the past', { exp: NOW - 1 }],
    ['exp of now', { exp: NOW }],
    ['no exp', { exp: undefined }],
    ['exp as text', { exp: String(NOW + 590) }],
    ['exp of half a second', { exp: NOW + 590.5 }],
    ['a life of more than an hour', { iat: NOW, exp: NOW + 3_601 }],
    ['iat in the future', { iat: NOW + 31, exp: NOW + 600 }],
    ['iat after exp', { iat: NOW + 20, exp: NOW + 10 }],
    ['no iat', { iat: undefined }],
    ['nbf in the future', { nbf: NOW + 100 }],
    ['another issuer', { iss: 'https://in.example.com.evil.example' }],
    ['the issuer with a slash', { iss: `${ISSUER}/` }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'https://other.example' }],
    ['our audience among others', { aud: [ISSUER, 'https://other.example'] }],
    ['our audience in a list', { aud: [ISSUER] }],
    ['no audience', { aud: undefined }],
    ['sub as number', { sub: 1 }],
    ['sub as object', { sub: { $ne: null } }],
    ['sub that is no id', { sub: 'admin' }],
    ['no sid', { sid: undefined }],
    ['sid in capitals', { sid: SESSION.toUpperCase().replace('0', 'A') }],
    ['no jti', { jti: undefined }],
    ['another client', { client_id: 'other' }],
    ['a role', { role: 'admin' }],
  ])('for its claims: %s', async (_, changed) => {
    await expect(tokens.read(await signClaims(changed))).rejects.toMatchObject(refusal);
  });

  const payload = JSON.stringify(claims);
  it.each([
    ['a duplicate claim', HEADER, payload.replace('{', `{"sub":"${JTI}",`)],
    ['a duplicate header member', HEADER.replace('{', '{"alg":"none",'), payload],
    ['exp 1e400', HEADER, payload.replace(`"exp":${NOW + 590}`, '"exp":1e400')],
    ['white space in the payload', HEADER, payload.replace('{', '{ ')],
    ['white space in the header', HEADER.replace('{', '{\n'), payload],
    ['an escaped member', HEADER, payload.replace('"sub"', String.raw`"\u0073ub"`)],
    ['a byte order mark', HEADER, `\ufeff${payload}`],
    ['a payload that is a list', HEADER, `[${payload}]`],
    ['a payload that is null', HEADER, 'null'],
    ['a payload that is no JSON', HEADER, 'hello'],
    ['an empty payload', HEADER, ''],
    ['an own __proto__', HEADER, payload.replace('{', '{"__proto__":{"role":"admin"},')],
  ])('for its text: %s', async (_, header, text) => {
    await expect(tokens.read(await signText(header, text))).rejects.toMatchObject(refusal);
  });
});

describe('refused whatever a lenient library would do', () => {
  let good = '';
  beforeAll(async () => {
    good = await signClaims({});
    await tokens.read(good);
  });
  const parts = (): string[] => good.split('.');

  it.each<[string, () => string]>([
    ['a space at the end', () => `${good} `],
    ['a line break at the end', () => `${good}\n`],
    ['a line break inside', () => good.replace('.', '\n.')],
    ['padding', () => `${good}=`],
    ['trailing bits flipped', () => good.slice(0, -1) + (good.endsWith('A') ? 'B' : flippedBits(good))],
    ['base64 instead of base64url', () => `${parts()[0]}.${parts()[1]}.${parts()[2]!.slice(0, -1)}+`],
    ['no signature', () => `${parts()[0]}.${parts()[1]}.`],
    ['no signature and no dot', () => `${parts()[0]}.${parts()[1]}`],
    ['four parts', () => `${good}.AAAA`],
    ['five parts, like a JWE', () => `${good}.AAAA.AAAA`],
    ['JSON serialization', () => JSON.stringify({ protected: parts()[0], payload: parts()[1], signature: parts()[2] })],
    ['100 KB', () => good.replace('.', `${'A'.repeat(100_000)}.`)],
    ['more than 4 KB', () => `${good}${'A'.repeat(4_100 - good.length)}`],
    ['nothing', () => ''],
    ['a null character', () => `${good}\0`],
    ['a letter of another script', () => good.replace('e', 'е')],
  ])('%s', async (_, forge) => {
    await expect(tokens.read(forge())).rejects.toMatchObject(refusal);
  });

  /** The same bytes under lenient decoding: the two lowest bits of the last of 86 characters mean nothing. */
  function flippedBits(token: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return alphabet[alphabet.indexOf(token.at(-1)!) ^ 1]!;
  }

  it('is one of these that jose itself accepts, so that the check is worth its while', async () => {
    const lenient = good.slice(0, -1) + flippedBits(good);
    await expect(compactVerify(lenient, verifying.get(KID)!)).resolves.toBeDefined();
    await expect(tokens.read(lenient)).rejects.toMatchObject(refusal);
  });

  it('any change of one character', async () => {
    for (let at = 0; at < good.length; at += 7) {
      const other = good[at] === 'x' ? 'y' : 'x';
      await expect(tokens.read(good.slice(0, at) + other + good.slice(at + 1))).rejects.toMatchObject(refusal);
    }
  });
});

describe('refused for its key', () => {
  it('HMAC with the public key as its secret, in each of its forms', async () => {
    const { x = '' } = await exportJWK(verifying.get(KID)!);
    const spki = Buffer.from(await crypto.subtle.exportKey('spki', verifying.get(KID)!));
    const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`;
    for (const secret of [Buffer.from(x, 'base64url'), Buffer.from(x), spki, Buffer.from(pem)]) {
      const forged = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: KID })
        .sign(secret.length < 32 ? Buffer.concat([secret], 32) : secret);
      await expect(tokens.read(forged)).rejects.toMatchObject(refusal);
    }
  });

  it('the signature of another key', async () => {
    const { privateKey: other } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: KID }).sign(other);
    await expect(tokens.read(forged)).rejects.toMatchObject(refusal);
  });

  it('ES256 under a kid of EdDSA', async () => {
    const { privateKey: other } = await generateKeyPair('ES256');
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: KID }).sign(other);
    await expect(tokens.read(forged)).rejects.toMatchObject(refusal);
  });
});

describe('the signature scheme', () => {
  it('gives the signature of RFC 8037, appendix A.4', async () => {
    const key = await importJWK(
      {
        kty: 'OKP',
        crv: 'Ed25519',
        d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
        x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      },
      'EdDSA',
    );
    const input = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc';
    const signature = await crypto.subtle.sign('Ed25519', key, Buffer.from(input));
    expect(Buffer.from(signature).toString('base64url')).toBe(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    );
  });
});
