import { createSecretKey, hash } from 'node:crypto';
import { BODY, describeRefusals, type Refusal } from '#testing/webhook-refusals.ts';
import { deliveryTo, signedDelivery, testSource } from '#testing/webhook-requests.ts';
import type { Delivery, RefusalReason } from '#webhooks/provider.ts';

const OTHER_KEY = createSecretKey(Buffer.from('another-key-of-another-sender-42'));
const whatsapp = testSource('whatsapp', {
  verifyTokens: [{ label: 'only', sha256: hash('sha256', 'the-verify-token-01', 'buffer') }],
});
const github = testSource('github');
const slack = testSource('slack');

const signedInvalid = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);

const bodyRow = (
  title: string,
  original: Buffer,
  delivered: Buffer,
  reason: RefusalReason = 'signature-mismatch',
): Refusal => ({
  title: `body: ${title}`,
  source: whatsapp,
  delivery: { ...signedDelivery(whatsapp, original), body: delivered },
  reason,
});

const original = Buffer.from(BODY);
const flipped = Buffer.from(original);
flipped.writeUInt8(flipped.readUInt8(5) ^ 1, 5);

const bodyRows: Refusal[] = [
  bodyRow('one bit flipped', original, flipped),
  bodyRow('a newline appended', original, Buffer.concat([original, Buffer.from('\n')])),
  bodyRow('a byte order mark prepended', original, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), original])),
  bodyRow('serialised again', Buffer.from('{"a": 1}'), Buffer.from('{"a":1}')),
  bodyRow('escapes replaced by characters', Buffer.from(String.raw`{"a":"\u00e4"}`), Buffer.from('{"a":"\u00E4"}')),
  bodyRow(
    'signed with U+FFFD, delivered with byte 0xFF',
    Buffer.from('{"a":"\uFFFD"}'),
    Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]),
  ),
  bodyRow('the last byte missing', original, original.subarray(0, -1)),
  bodyRow('empty', original, Buffer.alloc(0), 'body-empty'),
  bodyRow('empty and signed', Buffer.alloc(0), Buffer.alloc(0), 'body-empty'),
  bodyRow('signed, but invalid UTF-8', signedInvalid, signedInvalid, 'body-invalid'),
];

const challenge = (title: string, query: string, reason: RefusalReason, source = whatsapp): Refusal => ({
  title: `challenge: ${title}`,
  source,
  delivery: { ...deliveryTo(source, ''), method: 'GET', query },
  reason,
});

const TOKEN = 'hub.verify_token=the-verify-token-01';
const woocommerce = testSource('woocommerce');
const ping = (title: string, body: string, headers: Record<string, string> = {}): Refusal => ({
  title: `ping: ${title}`,
  source: woocommerce,
  delivery: deliveryTo(woocommerce, body, headers),
  reason: 'signature-missing',
});

const challengeRows: Refusal[] = [
  challenge('wrong token', 'hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong', 'token-mismatch'),
  challenge('empty token', 'hub.mode=subscribe&hub.challenge=1&hub.verify_token=', 'token-mismatch'),
  challenge('no token', 'hub.mode=subscribe&hub.challenge=1', 'challenge-malformed'),
  challenge('no token is set', `hub.mode=subscribe&hub.challenge=1&${TOKEN}`, 'token-mismatch', testSource('whatsapp')),
  challenge('wrong mode', `hub.mode=unsubscribe&hub.challenge=1&${TOKEN}`, 'challenge-malformed'),
  challenge('no mode', `hub.challenge=1&${TOKEN}`, 'challenge-malformed'),
  challenge('no challenge', `hub.mode=subscribe&${TOKEN}`, 'challenge-malformed'),
  challenge('token twice', `hub.mode=subscribe&hub.challenge=1&${TOKEN}&${TOKEN}`, 'challenge-malformed'),
  challenge('challenge twice', `hub.mode=subscribe&hub.challenge=1&hub.challenge=1&${TOKEN}`, 'challenge-malformed'),
  challenge('mode twice', `hub.mode=subscribe&hub.mode=subscribe&hub.challenge=1&${TOKEN}`, 'challenge-malformed'),
  challenge(
    'parameters as members',
    `hub[mode]=subscribe&hub[challenge]=1&hub[verify_token]=the-verify-token-01`,
    'challenge-malformed',
  ),
  challenge(
    'a challenge that is HTML',
    `hub.mode=subscribe&hub.challenge=%3Cscript%3E&${TOKEN}`,
    'challenge-malformed',
  ),
  challenge(
    'a challenge of 257 characters',
    `hub.mode=subscribe&hub.challenge=${'1'.repeat(257)}&${TOKEN}`,
    'challenge-malformed',
  ),
  challenge(
    'a query past 2,048 characters',
    `hub.mode=subscribe&hub.challenge=1&${TOKEN}&x=${'1'.repeat(2_048)}`,
    'challenge-malformed',
  ),
  challenge('nothing', '', 'challenge-malformed'),
  {
    title: 'challenge: Slack, unsigned',
    source: slack,
    delivery: deliveryTo(slack, '{"type":"url_verification","challenge":"abc"}'),
    reason: 'signature-missing',
  },
  {
    title: 'challenge: Slack, signed with another secret',
    source: slack,
    delivery: signedDelivery(slack, '{"type":"url_verification","challenge":"abc"}', { key: OTHER_KEY }),
    reason: 'signature-mismatch',
  },
];

const pingRows: Refusal[] = [
  ping('a second parameter', 'webhook_id=1&x=1'),
  ping('letters in the id', 'webhook_id=1a'),
  ping('21 digits', `webhook_id=${'1'.repeat(21)}`),
  ping('no id', 'webhook_id='),
  ping('a newline after it', 'webhook_id=1\n'),
  ping('with another header of WooCommerce', 'webhook_id=1', { 'x-wc-webhook-topic': 'order.created' }),
  {
    title: 'ping: with a wrong signature',
    source: woocommerce,
    delivery: signedDelivery(woocommerce, 'webhook_id=1', { key: OTHER_KEY }),
    reason: 'signature-mismatch',
  },
  {
    title: 'ping: to a source of another provider',
    source: testSource('shopify'),
    delivery: deliveryTo(testSource('shopify'), 'webhook_id=1'),
    reason: 'signature-missing',
  },
  {
    title: 'ping: GitHub, unsigned',
    source: github,
    delivery: deliveryTo(github, '{"zen":"x","hook_id":1}', { 'x-github-event': 'ping' }),
    reason: 'signature-missing',
  },
];

const twilio = testSource('twilio');
const FORM = 'AccountSid=AC1&Body=hello&From=%2B4915112345678&MessageSid=SM1';
const JSON_QUERY = `bodySHA256=${hash('sha256', BODY)}`;

const twilioRow = (
  title: string,
  change: (good: Delivery) => Partial<Delivery>,
  reason: RefusalReason = 'signature-mismatch',
  good = signedDelivery(twilio, FORM),
): Refusal => ({
  title: `twilio: ${title}`,
  source: twilio,
  delivery: { ...good, ...change(good) },
  reason,
});

const jsonDelivery = signedDelivery(twilio, BODY, { query: JSON_QUERY });

const twilioRows: Refusal[] = [
  { ...twilioRow('signed for another scheme', () => ({})), source: { ...twilio, publicUrl: 'http://in.example.com' } },
  {
    ...twilioRow('signed for another host', () => ({})),
    source: { ...twilio, publicUrl: 'https://other.example.com' },
  },
  twilioRow('the host of the request is not asked', (good) => ({
    headers: { ...good.headers, host: ['other.example.com'], 'x-forwarded-host': ['in.example.com'] },
    path: '/api/webhooks/other',
  })),
  twilioRow('a query added', () => ({ query: 'x=1' })),
  twilioRow('a parameter changed', () => ({ body: Buffer.from(FORM.replace('hello', 'hullo')) })),
  twilioRow('a parameter added', () => ({ body: Buffer.from(`${FORM}&Zone=1`) })),
  twilioRow('a parameter taken away', () => ({ body: Buffer.from(FORM.replace('&Body=hello', '')) })),
  twilioRow('a broken escape', () => ({ body: Buffer.from(`${FORM}%zz`) })),
  twilioRow('more fields than are looked at', () => ({ body: Buffer.from('a&'.repeat(2_000)) })),
  twilioRow(
    'bodySHA256 of another body',
    () => ({ body: Buffer.from('{"id":"evt_2"}') }),
    'body-mismatch',
    jsonDelivery,
  ),
  twilioRow(
    'bodySHA256 twice',
    (good) => ({ ...signedDelivery(twilio, BODY, { query: `${JSON_QUERY}&${JSON_QUERY}` }), path: good.path }),
    'body-mismatch',
    jsonDelivery,
  ),
  twilioRow(
    'bodySHA256 in upper case',
    (good) => ({
      ...signedDelivery(twilio, BODY, { query: `bodySHA256=${hash('sha256', BODY).toUpperCase()}` }),
      path: good.path,
    }),
    'body-mismatch',
    jsonDelivery,
  ),
  twilioRow(
    'bodySHA256 changed',
    () => ({ query: `bodySHA256=${hash('sha256', 'x')}`, body: Buffer.from('x') }),
    'signature-mismatch',
    jsonDelivery,
  ),
  twilioRow('JSON without bodySHA256', (good) => ({ query: '', path: good.path }), 'signature-mismatch', jsonDelivery),
];

const stripe = testSource('stripe');

const methodRows: Refusal[] = [github, slack, woocommerce, twilio, stripe].map((source) => ({
  title: `${source.provider}: GET`,
  source,
  delivery: { ...signedDelivery(source, FORM), method: 'GET' },
  reason: 'method-unsupported',
}));

describeRefusals('bodies that are refused', bodyRows);

describeRefusals('challenges that are refused', challengeRows);

describeRefusals('pings that are refused', pingRows);

describeRefusals("Twilio's requests that are refused", twilioRows);

describeRefusals('methods that are refused', methodRows);
