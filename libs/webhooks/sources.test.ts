import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { signedDelivery } from '#testing/webhook-requests.ts';
import { ConfigError, type Environment } from '#runtime/config.ts';
import type { Source } from '#webhooks/source.ts';
import { readSources } from '#webhooks/sources.ts';
import { verify } from '#webhooks/verify.ts';

const A = 'mN4vQ8xZ1kD7pR2tY6wB9cF3';
const B = 'hJ5sL0aGqW8eR4tY1uI6oP2z';
const C = 'zX9cV3bN7mA1sD5fG8hJ2kL6';
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const WHPK = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';

function sourceOf(env: Environment, path = '/api/webhooks/shop'): Source {
  const source = readSources(env).get(path);
  if (source === undefined) throw new Error(`nothing answers at ${path}`);
  return source;
}

function faultsOf(env: Environment): readonly string[] {
  try {
    readSources(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const labelsOf = (source: Source): string[] => source.keys.map(({ label }) => label);

const shop = (secret: string, more: Environment = {}): Environment => ({
  WEBHOOK_SOURCES: 'shop:woocommerce',
  WEBHOOK_SECRET_SHOP: secret,
  ...more,
});

const standard = (secret: string, more: Environment = {}): Environment => ({
  WEBHOOK_SOURCES: 'shop:standard-webhooks',
  WEBHOOK_SECRET_SHOP: secret,
  ...more,
});

describe('sources with a route of their own', () => {
  it('are off while their secret is unset or empty', () => {
    expect(readSources({})).toEqual(new Map());
    expect(readSources({ WHATSAPP_APP_SECRET: '', WOOALERTS_WEBHOOK_SECRET: '' }).size).toBe(0);
    expect(readSources({ WHATSAPP_VERIFY_TOKEN: A }).size).toBe(0);
  });

  it('are on with it, under their exact paths', () => {
    const sources = readSources({ WHATSAPP_APP_SECRET: A, WHATSAPP_VERIFY_TOKEN: B, WOOALERTS_WEBHOOK_SECRET: C });
    expect([...sources.keys()]).toEqual(['/api/whatsapp/webhook', '/api/wooalerts-webhook']);
    expect(sources.get('/api/whatsapp/webhook')).toMatchObject({
      outage: '503',
      maxBytes: 3_145_728,
      name: 'whatsapp',
    });
    expect(sources.get('/api/wooalerts-webhook')).toMatchObject({
      outage: 'spool',
      signatureHeader: 'x-wooalerts-signature',
      signatureEncoding: 'hex',
    });
  });

  it('have settings of their own by name', () => {
    const env = {
      WOOALERTS_WEBHOOK_SECRET: A,
      WOOALERTS_SIGNATURE_HEADER: 'X-Signature',
      WOOALERTS_SIGNATURE_ENCODING: 'base64',
      WEBHOOK_OUTAGE_WOOALERTS: '503',
      WEBHOOK_MAX_BYTES_WOOALERTS: '1000',
      WEBHOOK_MAX_BYTES: '2000',
      WEBHOOK_OUTAGE_WHATSAPP: 'spool',
    };
    expect(sourceOf(env, '/api/wooalerts-webhook')).toMatchObject({
      signatureHeader: 'x-signature',
      signatureEncoding: 'base64',
      outage: '503',
      maxBytes: 1_000,
    });
  });
});

describe('declared sources', () => {
  it('have a path, an outage and a size by provider, unless set', () => {
    const sources = readSources({
      WEBHOOK_SOURCES: 'shop:woocommerce, my-code:github ,pay:stripe',
      WEBHOOK_SECRET_SHOP: A,
      WEBHOOK_SECRET_MY_CODE: B,
      WEBHOOK_SECRET_PAY: C,
      WEBHOOK_MAX_BYTES_MY_CODE: '26214400',
      WEBHOOK_OUTAGE_PAY: 'spool',
    });
    expect(
      [...sources.values()].map(({ path, provider, outage, maxBytes }) => [path, provider, outage, maxBytes]),
    ).toEqual([
      ['/api/webhooks/shop', 'woocommerce', 'spool', 3_145_728],
      ['/api/webhooks/my-code', 'github', 'spool', 26_214_400],
      ['/api/webhooks/pay', 'stripe', 'spool', 3_145_728],
    ]);
  });

  it('of whatsapp have a verify token by name', () => {
    const env = { WEBHOOK_SOURCES: 'wa2:whatsapp', WEBHOOK_SECRET_WA2: A, WEBHOOK_VERIFY_TOKEN_WA2: `${B},new:${C}` };
    expect(sourceOf(env, '/api/webhooks/wa2').verifyTokens).toHaveLength(2);
  });

  it('of twilio know the public address, without its trailing slash', () => {
    const env = { WEBHOOK_SOURCES: 'sms:twilio', WEBHOOK_SECRET_SMS: A, PUBLIC_URL: 'https://in.example.com/' };
    expect(sourceOf(env, '/api/webhooks/sms').publicUrl).toBe('https://in.example.com');
  });
});

describe('lists of secrets', () => {
  it('name each key by its label, else by the fingerprint of the key', () => {
    const source = sourceOf(shop(`2026-01:${A},${B}`));
    expect(labelsOf(source)).toEqual(['2026-01', '9f0ff638']);
    for (const { key } of source.keys) expect(verify(source, signedDelivery(source, '{}', { key })).ok).toBe(true);
  });

  it('write a comma as %2C and a colon as %3A, and nothing else escaped', () => {
    const escaped = sourceOf(shop('%2C%3A%41-abcdefgh-0123456789', { WEBHOOK_KEY_ENCODING_SHOP: 'utf8' }));
    const key = escaped.keys[0]?.key.export().toString();
    expect(key).toBe(',:%41-abcdefgh-0123456789');
  });

  it('are read from files, too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sources-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'secret'), `${A}\n`);
    const env = { WEBHOOK_SOURCES: 'shop:woocommerce', WEBHOOK_SECRET_SHOP_FILE: join(folder, 'secret') };
    expect(labelsOf(sourceOf(env))).toHaveLength(1);
  });
});

describe('key encodings', () => {
  const keyOf = (secret: string, encoding?: string): string =>
    sourceOf(shop(secret, encoding === undefined ? {} : { WEBHOOK_KEY_ENCODING_SHOP: encoding }))
      .keys[0]?.key.export()
      .toString('latin1') ?? '';

  it.each([
    [
      'html-decoded is what WooCommerce does',
      'a&amp;b&lt;c&gt;d&quot;e&#039;f&#39;g&#x27;h0123',
      undefined,
      "a&b<c>d\"e'f'g'h0123",
    ],
    ['html-decoded decodes once', 'x&amp;lt;y&#0038;amp;z-0123456789', undefined, 'x&lt;y&amp;z-0123456789'],
    [
      'html-decoded leaves what WordPress leaves',
      'a&nbsp;b&#65;c&apos;d-0123456789',
      undefined,
      'a&nbsp;b&#65;c&apos;d-0123456789',
    ],
    ['utf8 takes entities as they stand', 'a&amp;b-0123456789abc', 'utf8', 'a&amp;b-0123456789abc'],
    [
      'hex',
      '000102030405060708090A0B0C0D0E0F',
      'hex',
      '\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\v\f\r\u000E\u000F',
    ],
    [
      'base64',
      'AAECAwQFBgcICQoLDA0ODw==',
      'base64',
      '\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\v\f\r\u000E\u000F',
    ],
  ])('%s', (_title, secret, encoding, bytes) => {
    expect(keyOf(secret, encoding)).toBe(bytes);
  });

  it('whsec is the default of standard-webhooks and takes public keys as well', () => {
    const source = sourceOf(standard(`${WHSEC},ed:${WHPK}`));
    expect(source.keys.map(({ key }) => key.type)).toEqual(['secret', 'public']);
  });

  it('of stripe is the literal text, prefix included', () => {
    const env = { WEBHOOK_SOURCES: 'pay:stripe', WEBHOOK_SECRET_PAY: 'whsec_5f0c9a7be3d14826' };
    expect(sourceOf(env, '/api/webhooks/pay').keys[0]?.key.export().toString()).toBe('whsec_5f0c9a7be3d14826');
  });
});

const declared = (list: string, more: Environment = {}): Environment => ({
  WEBHOOK_SOURCES: list,
  WEBHOOK_SECRET_SHOP: A,
  ...more,
});

describe('what stops the start', () => {
  it.each<[title: string, env: Environment, fault: RegExp]>([
    ['a short secret', shop('0123456789abcde'), /WEBHOOK_SECRET_SHOP: too short/],
    ['a secret that is short once decoded', shop('&amp;&amp;&amp;0123456789', {}), /too short/],
    ['a weak secret', shop('passwordpassword'), /too weak/],
    ['a repeating secret', shop('abcabcabcabcabcabc'), /too weak/],
    [
      'a weak secret behind base64',
      shop('c2VjcmV0c2VjcmV0c2VjcmV0', { WEBHOOK_KEY_ENCODING_SHOP: 'base64' }),
      /too weak/,
    ],
    [
      'a weak secret behind whsec_',
      { ...declared('shop:stripe'), WEBHOOK_SECRET_SHOP: 'whsec_secretsecretsecret' },
      /too weak/,
    ],
    ['an empty secret in a list', shop(`${A},`), /empty/],
    ['an empty secret behind a label', shop(`new:,old:${A}`), /empty/],
    ['a secret that ends in a space', shop(`${A} `), /space/],
    ['one secret twice in a list', shop(`${A},b:${A}`), /names one secret twice/],
    [
      'equal secrets of two sources',
      declared('shop:woocommerce,code:github', { WEBHOOK_SECRET_CODE: A }),
      /has a secret that WEBHOOK_SECRET_SHOP has too/,
    ],
    [
      'a verify token that is a secret',
      { WHATSAPP_APP_SECRET: A, WHATSAPP_VERIFY_TOKEN: A },
      /WHATSAPP_VERIFY_TOKEN: has a secret that WHATSAPP_APP_SECRET has too/,
    ],
    [
      'a short verify token',
      { WHATSAPP_APP_SECRET: A, WHATSAPP_VERIFY_TOKEN: 'short' },
      /WHATSAPP_VERIFY_TOKEN: too short/,
    ],
    ['a label twice', shop(`a:${A},a:${B}`), /label twice/],
    ['a label that is the fingerprint of another', shop(`9f0ff638:${A},${B}`), /label twice/],
    ['a bad label', shop(`New:${A}`), /label|before a colon/],
    ['a second colon', shop(`new:ab:${A}`), /before a colon/],
    ['nine secrets', shop(Array.from({ length: 9 }, (_, n) => `${A}${n}`).join(',')), /at most 8/],
    ['hex that is none', shop(A, { WEBHOOK_KEY_ENCODING_SHOP: 'hex' }), /is not hex/],
    [
      'base64 without padding',
      shop('AAECAwQFBgcICQoLDA0ODw', { WEBHOOK_KEY_ENCODING_SHOP: 'base64' }),
      /is not padded base64/,
    ],
    ['whsec without its prefix', standard(WHSEC.slice(6)), /is not whsec_/],
    ['an empty whsec', standard('whsec_'), /too short/],
    ['whsec of 23 bytes', standard(`whsec_${Buffer.from(A.slice(0, 23)).toString('base64')}`), /at least 24/],
    ['whsec of 65 bytes', standard(`whsec_${Buffer.from(A.repeat(3).slice(0, 65)).toString('base64')}`), /at most 64/],
    ['whsec that is no base64', standard('whsec_%'), /is not whsec_/],
    ['another prefix', standard(`hw${WHSEC.slice(2)}`), /is not whsec_/],
    [
      'a public key of 31 bytes',
      standard(`whpk_${Buffer.from(A.repeat(2).slice(0, 31)).toString('base64')}`),
      /32 bytes/,
    ],
    ['a public key of zeros', standard(`whpk_${Buffer.alloc(32).toString('base64')}`), /no real public key/],
    ['the private key', standard(`whsk_${Buffer.from(A).toString('base64')}`), /takes its whpk_/],
    [
      'an unknown encoding',
      shop(A, { WEBHOOK_KEY_ENCODING_SHOP: 'rot13' }),
      /WEBHOOK_KEY_ENCODING_SHOP: must be one of/,
    ],
    ['an unknown provider', declared('shop:paypal'), /item 1 has a provider other than/],
    ['a provider from the prototype', declared('shop:constructor'), /item 1 has a provider other than/],
    ['no provider', declared('shop'), /item 1 is not of the form/],
    ['a third part', declared('shop:github:x'), /item 1 is not of the form/],
    ['an upper-case name', declared('Shop:github'), /item 1 has a name/],
    ['a name of 33 characters', declared(`${'s'.repeat(33)}:github`), /item 1 has a name/],
    ['a name that ends in -file', declared('a-file:github'), /ends in -file/],
    ['a name twice', declared('shop:woocommerce,shop:github'), /names shop twice/],
    ['the name of a fixed route', declared('shop:woocommerce,whatsapp:whatsapp'), /item 2 has the name whatsapp/],
    [
      'the name of verdicts on uploads',
      declared('uploads:github'),
      /item 1 has the name uploads, which is that of verdicts/,
    ],
    ['a declared source without a secret', { WEBHOOK_SOURCES: 'shop:woocommerce' }, /WEBHOOK_SECRET_SHOP: required/],
    [
      'a declared source with an empty secret',
      { WEBHOOK_SOURCES: 'shop:woocommerce', WEBHOOK_SECRET_SHOP: '' },
      /WEBHOOK_SECRET_SHOP: required/,
    ],
    [
      'a setting of a source that is not declared',
      shop(A, { WEBHOOK_SECRET_SHPO: B }),
      /WEBHOOK_SECRET_SHPO: WEBHOOK_SOURCES declares no source/,
    ],
    ['a secret of a fixed source under a general name', { WEBHOOK_SECRET_WHATSAPP: A }, /WEBHOOK_SECRET_WHATSAPP/],
    [
      'a token for a provider without challenges',
      shop(A, { WEBHOOK_VERIFY_TOKEN_SHOP: B }),
      /WEBHOOK_VERIFY_TOKEN_SHOP/,
    ],
    ['an outage that is none', shop(A, { WEBHOOK_OUTAGE_SHOP: 'drop' }), /WEBHOOK_OUTAGE_SHOP: must be 503 or spool/],
    ['a size of nothing', shop(A, { WEBHOOK_MAX_BYTES_SHOP: '0' }), /WEBHOOK_MAX_BYTES_SHOP: must be at least 1/],
    ['twilio without the public address', declared('shop:twilio'), /PUBLIC_URL: required/],
    ['a header that means something else', { WOOALERTS_SIGNATURE_HEADER: 'Content-Length' }, /another meaning/],
    ['a header that is no name', { WOOALERTS_SIGNATURE_HEADER: 'x y' }, /name of a header/],
    [
      'a file that is not there',
      { WEBHOOK_SOURCES: 'shop:woocommerce', WEBHOOK_SECRET_SHOP_FILE: '/nonexistent/secret' },
      /can't be read/,
    ],
  ])('%s', (_title, env, fault) => {
    expect(faultsOf(env).join('\n')).toMatch(fault);
  });

  it('is said all at once', () => {
    const faults = faultsOf({
      WHATSAPP_APP_SECRET: 'short',
      WOOALERTS_SIGNATURE_ENCODING: 'octal',
      WEBHOOK_SOURCES: 'shop:woocommerce,x',
      WEBHOOK_OUTAGE_SHOP: 'drop',
    });
    expect(faults).toHaveLength(5);
  });

  it('is said without showing a secret, even one that was put in the wrong place', () => {
    const canary = 'Canary-7c1f0e';
    const message = faultsOf({
      WHATSAPP_APP_SECRET: `${canary},${canary}:${canary}:x,label:${canary}`,
      WHATSAPP_VERIFY_TOKEN: canary,
      WEBHOOK_SOURCES: `${canary},shop:${canary},shop:github:${canary}`,
      WEBHOOK_KEY_ENCODING_SHOP: canary,
      WEBHOOK_MAX_BYTES: canary,
      PUBLIC_URL: canary,
      WOOALERTS_SIGNATURE_HEADER: `${canary} `,
    }).join('\n');
    expect(message).not.toMatch(/canary/i);
    expect(message.length).toBeGreaterThan(100);
  });
});
