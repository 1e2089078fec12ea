import { compactVerify, exportJWK, generateKeyPair, type CryptoKey } from 'jose';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openAccessTokens, type AccessTokens } from '#access/access-tokens.ts';

// The classes of C2SP/wycheproof, testvectors_v1/json_web_signature_test.json (commit dac1dd47), made with keys of our own:
// its vectors are of HMAC, RSA and ECDSA, all of which an access token may not be, so that as they stand they show little.

const ISSUER = 'https://in.example.com';
const KID = 'abcdefghijklmnop';
const NOW = 1_800_000_000;
const ID = '01930000-0000-7000-8000-00000000000';
const HEADER = JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: KID });
/** Of 3n + 2 bytes, so that its last character has bits to spare. */
const PAYLOAD = JSON.stringify({
  iss: ISSUER,
  aud: ISSUER,
  sub: `${ID}1`,
  client_id: 'portcullis',
  sid: `${ID}2`,
  jti: `${ID}3`,
  iat: NOW - 10,
  exp: NOW + 590,
});

let privateKey: CryptoKey;
let publicKey: CryptoKey;
let attacker: { ed25519: CryptoKey; es256: CryptoKey; rs256: CryptoKey; ps256: CryptoKey; jwk: object };
let tokens: AccessTokens;
beforeAll(async () => {
  ({ privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true }));
  const [ed25519, es256, rs256, ps256] = await Promise.all([
    generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true }),
    generateKeyPair('ES256'),
    generateKeyPair('RS256'),
    generateKeyPair('PS256'),
  ]);
  attacker = {
    ed25519: ed25519.privateKey,
    es256: es256.privateKey,
    rs256: rs256.privateKey,
    ps256: ps256.privateKey,
    jwk: await exportJWK(ed25519.publicKey),
  };
  const byId = async (kid: string) => (kid === KID ? publicKey : undefined);
  tokens = openAccessTokens({
    keys: {
      current: async () => ({ kid: KID, privateKey }),
      byId,
      verifies: async () => true,
      published: async () => [],
    },
    issuer: ISSUER,
    ttlSeconds: 600,
    nowSeconds: () => NOW,
  });
});

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');
const ALGORITHMS = {
  ed25519: 'Ed25519',
  es256: { name: 'ECDSA', hash: 'SHA-256' },
  rs256: 'RSASSA-PKCS1-v1_5',
  ps256: { name: 'RSA-PSS', saltLength: 32 },
};

async function signatureOf(input: string, by: keyof typeof ALGORITHMS | 'ours' = 'ours'): Promise<Buffer> {
  const { algorithm, key } =
    by === 'ours' ? { algorithm: 'Ed25519', key: privateKey } : { algorithm: ALGORITHMS[by], key: attacker[by] };
  return Buffer.from(await crypto.subtle.sign(algorithm, key, Buffer.from(input)));
}
/** The signature is over the two parts exactly as they are given, however they are encoded. */
async function sign(header: string, payload: string, by?: keyof typeof ALGORITHMS): Promise<string> {
  const input = `${header}.${payload}`;
  return `${input}.${encode(await signatureOf(input, by))}`;
}
const good = (): Promise<string> => sign(encode(HEADER), encode(PAYLOAD));
const changed = (members: Record<string, unknown>): string =>
  encode(JSON.stringify({ ...JSON.parse(HEADER), ...members }));
const signedAs = (members: Record<string, unknown>): Promise<string> => sign(changed(members), encode(PAYLOAD));
/** Puts the three parts of a good token together in another way. */
const rebuilt = (build: (header: string, payload: string, signature: string) => string) => async () =>
  build(...((await good()).split('.') as [string, string, string]));
const resigned = (change: (signature: Buffer) => Uint8Array) => async () => {
  const input = `${encode(HEADER)}.${encode(PAYLOAD)}`;
  return `${input}.${encode(change(await signatureOf(input)))}`;
};
const another = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

/** The order of the group of Ed25519 (RFC 8032 §5.1). */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The same signature with an S that was not reduced, which RFC 8032 §5.1.7 refuses. */
function unreduced(signature: Buffer): Buffer {
  const littleEndian = Buffer.from(signature.subarray(32).toReversed()).toString('hex');
  const s = (BigInt(`0x${littleEndian}`) + L).toString(16).padStart(64, '0');
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s, 'hex').toReversed()]);
}
/** Text whose unused bits are not zero: the same bytes to a lenient decoder. */
function withStrayBits(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1) ?? '') | 1];
}
type Verdict = 'valid' | 'invalid';
/** Verdicts: Wycheproof's, that of jose with our key and algorithm, and ours. */
const classes: Record<string, [Verdict, Verdict, Verdict, () => string | Promise<string>]> = {
  'a good token': ['valid', 'valid', 'valid', good],
  'modified signature': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.${another(s)}`)],
  'missing signature': ['invalid', 'invalid', 'invalid', rebuilt((h, p) => `${h}.${p}.`)],
  'missing signature and separator': ['invalid', 'invalid', 'invalid', rebuilt((h, p) => `${h}.${p}`)],
  'modified payload': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${h}.${another(p)}.${s}`)],
  'missing payload': ['invalid', 'invalid', 'invalid', rebuilt((h, _, s) => `${h}..${s}`)],
  'missing payload and separator': ['invalid', 'invalid', 'invalid', rebuilt((h, _, s) => `${h}.${s}`)],
  'modified header': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${another(h)}.${p}.${s}`)],
  'missing header': ['invalid', 'invalid', 'invalid', rebuilt((_, p, s) => `.${p}.${s}`)],
  'missing header and separator': ['invalid', 'invalid', 'invalid', rebuilt((_, p, s) => `${p}.${s}`)],
  'missing header and signature': ['invalid', 'invalid', 'invalid', rebuilt((_, p) => `.${p}.`)],
  'payload alone': ['invalid', 'invalid', 'invalid', rebuilt((_, p) => p)],
  'empty text': ['invalid', 'invalid', 'invalid', () => ''],
  'extra empty component': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.${s}.`)],
  'extra component': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.${s}.AAAA`)],
  'JSON serialization': [
    'invalid',
    'invalid',
    'invalid',
    rebuilt((h, payload, signature) => JSON.stringify({ protected: h, payload, signature })),
  ],
  'alg none': ['invalid', 'invalid', 'invalid', () => `${encode('{"alg":"none"}')}.${encode(PAYLOAD)}.`],
  'alg NONE': ['invalid', 'invalid', 'invalid', () => `${encode('{"alg":"NONE"}')}.${encode(PAYLOAD)}.`],
  'alg none with our kid': ['invalid', 'invalid', 'invalid', () => `${changed({ alg: 'none' })}.${encode(PAYLOAD)}.`],
  'alg none over a good signature': ['invalid', 'invalid', 'invalid', () => signedAs({ alg: 'none' })],
  'HMAC with the public key as secret': [
    'invalid',
    'invalid',
    'invalid',
    async () => {
      const input = `${changed({ alg: 'HS256' })}.${encode(PAYLOAD)}`;
      const secret = Buffer.from((await exportJWK(publicKey)).x ?? '', 'base64url');
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
  ],
  'key in the header (jwk)': [
    'invalid',
    'invalid',
    'invalid',
    () => sign(changed({ jwk: attacker.jwk }), encode(PAYLOAD), 'ed25519'),
  ],
  'another primitive: ES256': [
    'invalid',
    'invalid',
    'invalid',
    () => sign(changed({ alg: 'ES256' }), encode(PAYLOAD), 'es256'),
  ],
  'another primitive: RS256': [
    'invalid',
    'invalid',
    'invalid',
    () => sign(changed({ alg: 'RS256' }), encode(PAYLOAD), 'rs256'),
  ],
  'another primitive: PS256': [
    'invalid',
    'invalid',
    'invalid',
    () => sign(changed({ alg: 'PS256' }), encode(PAYLOAD), 'ps256'),
  ],
  'another primitive under our alg': [
    'invalid',
    'invalid',
    'invalid',
    () => sign(encode(HEADER), encode(PAYLOAD), 'es256'),
  ],
  'empty payload, signed': ['valid', 'valid', 'invalid', () => sign(encode(HEADER), '')],
  'payload of one byte, signed': ['valid', 'valid', 'invalid', () => sign(encode(HEADER), encode('a'))],
  'payload of zeros, signed': ['valid', 'valid', 'invalid', () => sign(encode(HEADER), encode(new Uint8Array(16)))],
  'signature of zeros': ['invalid', 'invalid', 'invalid', resigned(() => new Uint8Array(64))],
  'signature with R of zeros': [
    'invalid',
    'invalid',
    'invalid',
    resigned((s) => Buffer.concat([new Uint8Array(32), s.subarray(32)])),
  ],
  'signature with S of zeros': [
    'invalid',
    'invalid',
    'invalid',
    resigned((s) => Buffer.concat([s.subarray(0, 32), new Uint8Array(32)])),
  ],
  'signature that is not reduced': ['invalid', 'invalid', 'invalid', resigned(unreduced)],
  'zeros before the signature': ['invalid', 'invalid', 'invalid', resigned((s) => Buffer.concat([Buffer.alloc(2), s]))],
  'zeros behind the signature': ['invalid', 'invalid', 'invalid', resigned((s) => Buffer.concat([s, Buffer.alloc(2)]))],
  'truncated signature': ['invalid', 'invalid', 'invalid', resigned((s) => s.subarray(0, 62))],
  'signature as long as a buffer overflow': ['invalid', 'invalid', 'invalid', resigned(() => new Uint8Array(2_048))],
  'spaces in the signature': ['invalid', 'valid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.    ${s}`)],
  'line break behind the signature': ['invalid', 'valid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.${s}\n`)],
  '? before the signature': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.?${s}`)],
  '? behind the signature': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.${s}?`)],
  '? instead of a character': ['invalid', 'invalid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.?${s.slice(1)}`)],
  'spaces in the header, signed': ['invalid', 'valid', 'invalid', () => sign(`${encode(HEADER)}    `, encode(PAYLOAD))],
  '# in the header, signed': ['invalid', 'invalid', 'invalid', () => sign(`${encode(HEADER)}####`, encode(PAYLOAD))],
  'spaces in the payload, signed': [
    'invalid',
    'valid',
    'invalid',
    () => sign(encode(HEADER), `    ${encode(PAYLOAD)}`),
  ],
  '# in the payload, signed': ['invalid', 'invalid', 'invalid', () => sign(encode(HEADER), `####${encode(PAYLOAD)}`)],
  '? in the payload, signed': ['invalid', 'invalid', 'invalid', () => sign(encode(HEADER), `?${encode(PAYLOAD)}`)],
  '? in the header, over the signature of the good one': [
    'valid',
    'invalid',
    'invalid',
    rebuilt((h, p, s) => `${h.slice(0, -1)}?${h.slice(-1)}.${p}.${s}`),
  ],
  '? in the payload, over the signature of the good one': [
    'valid',
    'invalid',
    'invalid',
    rebuilt((h, p, s) => `${h}.${p}?.${s}`),
  ],
  'padding of the signature': ['invalid', 'valid', 'invalid', rebuilt((h, p, s) => `${h}.${p}.${s}==`)],
  'padding of the payload, signed': ['invalid', 'valid', 'invalid', () => sign(encode(HEADER), `${encode(PAYLOAD)}=`)],
  'unused bits of the payload, over the signature of the good one': [
    'invalid',
    'invalid',
    'invalid',
    async () => (await sign(encode(HEADER), encode(PAYLOAD))).replace(encode(PAYLOAD), withStrayBits(encode(PAYLOAD))),
  ],
  'unused bits of the payload, signed': [
    'invalid',
    'valid',
    'invalid',
    () => sign(encode(HEADER), withStrayBits(encode(PAYLOAD))),
  ],
  'unused bits of the signature': [
    'invalid',
    'valid',
    'invalid',
    rebuilt((h, p, s) => `${h}.${p}.${withStrayBits(s)}`),
  ],
  'spaces in the JSON of the header, signed': [
    'valid',
    'valid',
    'invalid',
    () => sign(encode(HEADER.replaceAll(':', ' : ')), encode(PAYLOAD)),
  ],
  'line break in the JSON of the header, signed': [
    'valid',
    'valid',
    'invalid',
    () => sign(encode(HEADER.replace(',', ',\n\t')), encode(PAYLOAD)),
  ],
};

describe.each(Object.entries(classes))('%s', (_, [, jose, ours, forge]) => {
  it(`is ${ours} here and ${jose} to jose alone`, async () => {
    const text = await forge();
    const byUs = await Promise.resolve(tokens.read(text)).then(
      ({ userId }) => (userId === `${ID}1` ? 'valid' : 'another one'),
      (error: { code?: string }) => (error.code === 'token-invalid' ? 'invalid' : error),
    );
    const byJose = await compactVerify(text, publicKey, { algorithms: ['EdDSA'] }).then(
      () => 'valid',
      () => 'invalid',
    );
    expect({ byUs, byJose }).toEqual({ byUs: ours, byJose: jose });
  });
});

it('the page lists these classes and verdicts, each where we differ with its reason', () => {
  const page = readFileSync(new URL('../../docs/access.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('\n## Wycheproof\n');
  const rows = section.split('\n').flatMap((line) => {
    const [, name = '', , theirs = '', jose = '', ours = '', why = ''] = line.split('|').map((cell) => cell.trim());
    return theirs === 'valid' || theirs === 'invalid' ? [{ names: name.split('; '), theirs, jose, ours, why }] : [];
  });
  const listed = rows.flatMap(({ names, theirs, jose, ours }) => names.map((name) => [name, [theirs, jose, ours]]));
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries(Object.entries(classes).map(([name, verdicts]) => [name, verdicts.slice(0, 3)])),
  );
  for (const { theirs, ours, why } of rows) expect(theirs === ours || why !== '').toBe(true);
});
