import { createHmac, hash } from 'node:crypto';
import {
  BODY,
  signatureHeaderOf,
  signatureRefusals,
  describeRefusals,
  type Form,
  type Refusal,
} from '#testing/webhook-refusals.ts';
import { deliveryTo, secretKey, signedDelivery, testSource } from '#testing/webhook-requests.ts';
import type { Source } from '#webhooks/source.ts';

const macOf = (key: string, body: string): string => createHmac('sha256', key).update(body).digest('hex');

const hexForms = (prefix: string): Form[] => [
  ['missing', () => [], 'signature-missing'],
  ['empty', () => [''], 'signature-malformed'],
  ['only the prefix', () => [prefix], 'signature-malformed'],
  ['upper case', (good) => [prefix + good.slice(prefix.length).toUpperCase()], 'signature-malformed'],
  ['63 digits', (good) => [good.slice(0, -1)], 'signature-malformed'],
  ['65 digits', (good) => [`${good}0`], 'signature-malformed'],
  ['66 digits', (good) => [`${good}00`], 'signature-malformed'],
  ['trailing zz', (good) => [`${good}zz`], 'signature-malformed'],
  ['64 characters that are not hex', () => [prefix + 'g'.repeat(64)], 'signature-malformed'],
  ['64 characters that are not ASCII', () => [prefix + '\u00E4'.repeat(64)], 'signature-malformed'],
  ['=junk appended', (good) => [`${good}=junk`], 'signature-malformed'],
  ['a newline appended', (good) => [`${good}\n`], 'signature-malformed'],
  ['a leading space', (good) => [` ${good}`], 'signature-malformed'],
  ['two instances, both right', (good) => [good, good], 'signature-repeated'],
  ['two values joined by a comma', (good) => [`${good}, ${good}`], 'signature-malformed'],
  ['another MAC before the right one', (good) => [`${prefix}${'0'.repeat(64)},${good}`], 'signature-malformed'],
  ['made with another secret', () => [prefix + macOf('another-secret-of-another-app', BODY)], 'signature-mismatch'],
  ['all zeros', () => [prefix + '0'.repeat(64)], 'signature-mismatch'],
];

const whatsapp = testSource('whatsapp', {
  verifyTokens: [{ label: 'only', sha256: hash('sha256', 'the-verify-token-01', 'buffer') }],
});
const github = testSource('github');
const slack = testSource('slack');
const wooalerts = testSource('wooalerts');

const hexRows: Refusal[] = [
  ...signatureRefusals(whatsapp, BODY, [
    ...hexForms('sha256='),
    ['without the prefix', (good) => [good.slice(7)], 'signature-malformed'],
    ['prefix sha1=', (good) => [good.replace('sha256', 'sha1')], 'signature-malformed'],
    ['prefix SHA256=', (good) => [good.replace('sha256', 'SHA256')], 'signature-malformed'],
    ['made with the verify token', () => [`sha256=${macOf('the-verify-token-01', BODY)}`], 'signature-mismatch'],
    [
      'base64 after the prefix',
      (good) => [`sha256=${Buffer.from(good.slice(7), 'hex').toString('base64')}`],
      'signature-malformed',
    ],
  ]),
  ...signatureRefusals(github, BODY, hexForms('sha256=')),
  ...signatureRefusals(wooalerts, BODY, [
    ...hexForms(''),
    ['base64 where hex is set', (good) => [Buffer.from(good, 'hex').toString('base64')], 'signature-malformed'],
    ['prefix twice', (good) => [`sha256=sha256=${good}`], 'signature-malformed'],
  ]),
  ...signatureRefusals(slack, BODY, [
    ...hexForms('v0='),
    ['prefix v1=', (good) => [good.replace('v0', 'v1')], 'signature-malformed'],
  ]),
  {
    title: 'whatsapp: only the legacy SHA-1 header',
    source: whatsapp,
    delivery: deliveryTo(whatsapp, BODY, {
      'x-hub-signature': `sha1=${createHmac('sha1', whatsapp.keys[0]!.key).update(BODY).digest('hex')}`,
    }),
    reason: 'signature-missing',
  },
  {
    title: 'github: the MAC of another source',
    source: github,
    delivery: signedDelivery(testSource('github', { keys: [secretKey('the-key-of-another-source-77')] }), BODY),
    reason: 'signature-mismatch',
  },
];

const base64Forms: Form[] = [
  ['missing', () => [], 'signature-missing'],
  ['empty', () => [''], 'signature-malformed'],
  ['URL-safe alphabet', (good) => [good.replaceAll('+', '-').replaceAll('/', '_')], 'signature-malformed'],
  ['no padding', (good) => [good.replace('=', '')], 'signature-malformed'],
  ['an inner space', (good) => [`${good.slice(0, 8)} ${good.slice(8)}`], 'signature-malformed'],
  ['an inner space, right length', (good) => [`${good.slice(0, 8)} ${good.slice(9)}`], 'signature-malformed'],
  [
    'a last character that is not canonical',
    (good) => [good.replace(/.=$/, (end) => `${nextCharacter(end)}=`)],
    'signature-malformed',
  ],
  ['too short', (good) => [good.slice(4)], 'signature-malformed'],
  ['too long', (good) => [`AAAA${good}`], 'signature-malformed'],
  ['hex', (good) => [Buffer.from(good, 'base64').toString('hex')], 'signature-malformed'],
  ['two instances, both right', (good) => [good, good], 'signature-repeated'],
  ['two values joined by a comma', (good) => [`${good}, ${good}`], 'signature-malformed'],
  ['one bit off', (good) => [flipFirstBit(good)], 'signature-mismatch'],
];

/** The next character has the same bits that count and others that don't. */
function nextCharacter(end: string): string {
  return String.fromCharCode(end.charCodeAt(0) + 1);
}

function flipFirstBit(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes.writeUInt8(bytes.readUInt8(0) ^ 0x80, 0);
  return bytes.toString('base64');
}

/** Its signature holds both characters that the URL-safe alphabet writes otherwise. */
function bodyWithPlusAndSlash(source: Source): string {
  const name = signatureHeaderOf(source);
  for (let n = 0; ; n += 1) {
    const body = source.provider === 'twilio' ? `MessageSid=SM${n}&Body=hello` : `{"id":${n}}`;
    const signature = signedDelivery(source, body).headers[name]?.[0] ?? '';
    if (signature.includes('+') && signature.includes('/')) return body;
  }
}

const base64Rows = [
  testSource('woocommerce'),
  testSource('shopify'),
  testSource('twilio'),
  testSource('wooalerts', { signatureEncoding: 'base64', signatureHeader: 'x-signature' }),
].flatMap((source) => signatureRefusals(source, bodyWithPlusAndSlash(source), base64Forms));

describeRefusals('signatures in hex that are refused', hexRows);

describeRefusals('signatures in base64 that are refused', base64Rows);
