import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deliveryTo, ed25519Pair, NOW_MS, secretKey, signedDelivery, testSource } from '#testing/webhook-requests.ts';
import { keptDelivery, keptHeaders } from '#webhooks/kept-request.ts';
import type { Delivery, Verified } from '#webhooks/provider.ts';
import { providerNames, providers, type ProviderName } from '#webhooks/providers.ts';
import type { Source } from '#webhooks/source.ts';
import { precheck, verify } from '#webhooks/verify.ts';

const JSON_BODY = String.raw`{"text":"Grüße 😀 caf\u00e9 \ud83d\ude00 a\/b @you $$ $& $' new","field_never_seen":[{}]}`;
const FORM_BODY = 'MessageSid=SM1&Body=Gr%C3%BC%C3%9Fe+%F0%9F%98%80+%40you+%24%24&NeverSeen=1';

const bodyFor = (provider: ProviderName): string => (provider === 'twilio' ? FORM_BODY : JSON_BODY);

function verified(source: Source, delivery: Delivery): Verified {
  const verification = verify(source, delivery);
  if (!verification.ok) throw new Error(verification.reason);
  return verification;
}

const three = (): Source['keys'] => [
  secretKey('first-key-of-three-0123456', 'old'),
  secretKey('second-key-of-three-012345', 'current'),
  secretKey('third-key-of-three-0123456', 'next'),
];

describe.each(providerNames)('a source of %s', (provider) => {
  const source = testSource(provider);

  it('takes a signed body with accents, emoji, escapes and string patterns, without a Content-Type', () => {
    const delivery = signedDelivery(source, bodyFor(provider));
    expect(precheck(source, delivery)).toBeUndefined();
    expect(verify(source, delivery)).toMatchObject({ ok: true, verdict: 'accepted', secretLabel: 'only' });
  });

  it('takes the samples that tools send, each for another one', () => {
    const [first, second] = [1, 2].map((n) => {
      const { body, headers } = providers[provider].sample(n, NOW_MS);
      const delivery = signedDelivery(source, body, { id: `msg_${n}` });
      const all = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
      return verified(source, { ...delivery, headers: { ...all, ...delivery.headers } });
    });
    expect([first!.verdict, second!.verdict]).toEqual(['accepted', 'accepted']);
    expect(second!.dedupeKey).not.toEqual(first!.dedupeKey);
  });

  it('keeps the header with the signature', () => {
    expect(providers[provider].keptHeaders(source)).toContain(providers[provider].signatureHeaderOf(source));
  });

  it.each(three().map(({ label }, at) => [label, at] as const))(
    'takes each of three active secrets: %s',
    (label, at) => {
      const rotating = testSource(provider, { keys: three() });
      const delivery = signedDelivery(rotating, bodyFor(provider), { key: rotating.keys[at]!.key });
      expect(verified(rotating, delivery).secretLabel).toBe(label);
    },
  );

  it('is not disturbed by headers that it has never seen', () => {
    const delivery = signedDelivery(source, bodyFor(provider));
    const headers = { ...delivery.headers, 'x-new': ['1', '2'], 'x-hub-signature': ['sha1=00'], cookie: ['a=b'] };
    expect(verify(source, { ...delivery, headers })).toMatchObject({ ok: true });
  });

  it('verifies an accepted request again, years later, from what its receipt keeps', () => {
    const delivery = signedDelivery(source, bodyFor(provider));
    const kept = keptHeaders(source, { ...delivery, headers: { ...delivery.headers, cookie: ['secret=1'] } });
    expect(Object.keys(kept)).not.toContain('cookie');
    const again = keptDelivery(source, { headers: kept, body: delivery.body, receivedAt: new Date(NOW_MS) });
    expect(verify(source, again)).toEqual(verify(source, delivery));
  });

  it('knows a copy by its key, and another request by another', () => {
    const other = bodyFor(provider).replace('SM1', 'SM2').replace('Grüße', 'Hallo');
    const key = verified(source, signedDelivery(source, bodyFor(provider))).dedupeKey;
    expect(key).toHaveLength(32);
    expect(verified(source, signedDelivery(source, bodyFor(provider))).dedupeKey).toEqual(key);
    expect(verified(source, signedDelivery(source, other, { id: 'msg_other' })).dedupeKey).not.toEqual(key);
  });
});

it('verifies a request again whose signed query holds a question mark', () => {
  const twilio = testSource('twilio');
  const delivery = signedDelivery(twilio, FORM_BODY, { query: 'to=/a?b=c&d=e' });
  const again = keptDelivery(twilio, {
    headers: keptHeaders(twilio, delivery),
    body: delivery.body,
    receivedAt: new Date(NOW_MS),
  });
  expect(verify(twilio, again)).toEqual(verify(twilio, delivery));
  expect(verify(twilio, again)).toMatchObject({ ok: true });
});

describe('the key of a receipt', () => {
  it('is the signed id of Standard Webhooks, so that a retry with a new time is a copy', () => {
    const source = testSource('standard-webhooks');
    const first = verified(source, signedDelivery(source, '{"a":1}', { id: 'msg_1' }));
    const retry = {
      ...signedDelivery(source, '{"a":1}', { id: 'msg_1', nowMs: NOW_MS + 60_000 }),
      nowMs: NOW_MS + 60_000,
    };
    expect(first.dedupeKey).toEqual(hash('sha256', 'msg_1', 'buffer'));
    expect(verified(source, retry).dedupeKey).toEqual(first.dedupeKey);
    expect(first.textId).toBe('msg_1');
  });

  it.each([
    ['github', 'x-github-delivery'],
    ['woocommerce', 'x-wc-webhook-delivery-id'],
    ['shopify', 'x-shopify-webhook-id'],
    ['twilio', 'i-twilio-idempotency-token'],
  ] as const)('of %s is not the id in the unsigned %s, which is kept for search', (provider, header) => {
    const source = testSource(provider);
    const withId = (id: string): Delivery => {
      const delivery = signedDelivery(source, bodyFor(provider));
      return { ...delivery, headers: { ...delivery.headers, [header]: [id] } };
    };
    const [one, two] = [verified(source, withId('id-1')), verified(source, withId('id-2'))];
    expect([one.textId, two.textId]).toEqual(['id-1', 'id-2']);
    expect(two.dedupeKey).toEqual(one.dedupeKey);
  });

  it.each([
    ['repeated', ['a', 'b']],
    ['too long', ['x'.repeat(201)]],
    ['not printable', ['a\tb']],
  ])('has no text id beside it when that header is %s', (_how, values) => {
    const source = testSource('github');
    const delivery = signedDelivery(source, '{}');
    const headers = { ...delivery.headers, 'x-github-delivery': values };
    expect(verified(source, { ...delivery, headers }).textId).toBeUndefined();
  });

  it('of twilio covers the URL and the fields, whatever their order and however they are escaped', () => {
    const source = testSource('twilio');
    const key = verified(source, signedDelivery(source, FORM_BODY)).dedupeKey;
    const signature = signedDelivery(source, FORM_BODY).headers;
    const [sid = '', text = '', ...rest] = FORM_BODY.split('&');
    const reordered = Buffer.from([text.replaceAll('+', '%20'), ...rest, sid].join('&'));
    expect(
      verified(source, { ...signedDelivery(source, FORM_BODY), headers: signature, body: reordered }).dedupeKey,
    ).toEqual(key);
    expect(verified(source, signedDelivery(source, FORM_BODY, { query: 'to=2' })).dedupeKey).not.toEqual(key);
  });

  it('of twilio stays the same when a border between fields is moved, which its signature allows', () => {
    const source = testSource('twilio');
    const delivery = signedDelivery(source, 'Body=hello&MessageSid=SM1');
    const moved = verified(source, { ...delivery, body: Buffer.from('Bodyhello=&MessageSi=dSM1') });
    expect(moved.dedupeKey).toEqual(verified(source, delivery).dedupeKey);
  });
});

describe('several signatures in one header', () => {
  it('are enough when the last of eight matches', () => {
    const source = testSource('standard-webhooks');
    const delivery = signedDelivery(source, '{}');
    const wrong = `v1,${Buffer.alloc(32, 7).toString('base64')}`;
    const list = [...Array.from({ length: 6 }, () => wrong), 'v9,whatever', delivery.headers['webhook-signature']?.[0]];
    const headers = { ...delivery.headers, 'webhook-signature': [list.join(' ')] };
    expect(verify(source, { ...delivery, headers })).toMatchObject({ ok: true });
  });

  it('are enough when the last v1 of Stripe matches, beside a v0', () => {
    const source = testSource('stripe');
    const delivery = signedDelivery(source, '{}');
    const [time = '', mac = ''] = delivery.headers['stripe-signature']?.[0]?.split(',') ?? [];
    const headers = { 'stripe-signature': [`${time},v0=${'a'.repeat(64)},v1=${'0'.repeat(64)},${mac}`] };
    expect(verify(source, { ...delivery, headers })).toMatchObject({ ok: true });
    const tail = { 'stripe-signature': [`${mac},${time}`] };
    expect(verify(source, { ...delivery, headers: tail })).toMatchObject({ ok: true });
  });

  it('may be HMAC and Ed25519 while a sender changes from one to the other', () => {
    const pair = ed25519Pair(Buffer.alloc(32, 'seed'));
    const hmacOnly = testSource('standard-webhooks');
    const both = testSource('standard-webhooks', { keys: [...hmacOnly.keys, pair.publicKey] });
    expect(verified(both, signedDelivery(both, '{}')).secretLabel).toBe('only');
    expect(verified(both, signedDelivery(both, '{}', { key: pair.privateKey })).secretLabel).toBe('public');
  });
});

describe('signed times', () => {
  it.each(['standard-webhooks', 'stripe', 'slack'] as const)('of %s may be 300 s away on both sides', (provider) => {
    const source = testSource(provider);
    for (const nowMs of [NOW_MS - 300_000, NOW_MS + 300_000]) {
      expect(verify(source, signedDelivery(source, '{}', { nowMs }))).toMatchObject({ ok: true });
    }
  });
});

describe("Meta's challenge", () => {
  const tokens = ['first-token-0123', 'second-token-012'].map((text) => ({
    label: text.slice(0, 5),
    sha256: hash('sha256', text, 'buffer'),
  }));
  const source = testSource('whatsapp', { verifyTokens: tokens });
  const get = (query: string): Delivery => ({ ...deliveryTo(source, ''), method: 'GET', query });

  it.each(['first-token-0123', 'second-token-012'])('is answered as plain text for each active token: %s', (token) => {
    const delivery = get(`hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}`);
    expect(precheck(source, delivery)).toBeUndefined();
    expect(verified(source, delivery)).toMatchObject({
      verdict: 'challenge',
      secretLabel: token.slice(0, 5),
      dedupeKey: undefined,
      reply: { contentType: 'text/plain; charset=utf-8', text: '1158201444' },
    });
  });

  it('is taken with escaped names and with parameters of other names beside it', () => {
    const delivery = get('hub%2Emode=subscribe&x=1&hub.challenge=a.b-c_d&hub.verify_token=first%2Dtoken-0123');
    expect(verified(source, delivery).reply?.text).toBe('a.b-c_d');
  });

  it('leaves no trace of the token in what a receipt keeps', () => {
    const delivery = get('hub.mode=subscribe&hub.challenge=1&hub.verify_token=first-token-0123');
    expect(JSON.stringify([keptHeaders(source, delivery), verify(source, delivery)])).not.toContain('first-token');
  });
});

describe('pings', () => {
  const woocommerce = testSource('woocommerce');

  it.each(['webhook_id=1', `webhook_id=${'9'.repeat(20)}`])('of WooCommerce come unsigned: %s', (body) => {
    const delivery = deliveryTo(woocommerce, body, { 'content-length': String(body.length) });
    expect(precheck(woocommerce, delivery)).toBeUndefined();
    expect(verified(woocommerce, delivery)).toMatchObject({
      verdict: 'ping',
      secretLabel: undefined,
      dedupeKey: undefined,
    });
  });

  it('of WooCommerce are short: a longer unsigned body is refused before it is read', () => {
    expect(precheck(woocommerce, deliveryTo(woocommerce, '', { 'content-length': '32' }))).toBe('signature-missing');
    expect(precheck(woocommerce, deliveryTo(woocommerce, '', { 'content-length': 'x' }))).toBe('signature-missing');
  });

  it('of GitHub are signed', () => {
    const source = testSource('github');
    const delivery = signedDelivery(source, '{"zen":"Keep it logically awesome.","hook_id":1,"hook":{}}');
    const headers = { ...delivery.headers, 'x-github-event': ['ping'] };
    expect(verified(source, { ...delivery, headers })).toMatchObject({ verdict: 'ping', secretLabel: 'only' });
  });

  it('of GitHub look like one: an event whose unsigned header was changed to ping is still an event', () => {
    const source = testSource('github');
    const delivery = signedDelivery(source, '{"action":"opened","issue":{}}');
    const headers = { ...delivery.headers, 'x-github-event': ['ping'] };
    expect(verified(source, { ...delivery, headers }).verdict).toBe('accepted');
  });
});

describe("Slack's challenge", () => {
  const source = testSource('slack');

  it('is answered as plain text once its signature is right', () => {
    const delivery = signedDelivery(source, '{"token":"x","challenge":"3eZbrw1aBm2rZg","type":"url_verification"}');
    expect(verified(source, delivery)).toMatchObject({
      verdict: 'challenge',
      secretLabel: 'only',
      reply: { contentType: 'text/plain; charset=utf-8', text: '3eZbrw1aBm2rZg' },
    });
  });

  it.each([
    '{"type":"event_callback","event":{"type":"message","text":"url_verification"},"challenge":"x"}',
    '{"type":"url_verification"}',
    '{"type":"url_verification","challenge":{}}',
    'not json: url_verification',
    `{"type":"url_verification","challenge":"${'x'.repeat(1_025)}"}`,
  ])('is not what only mentions it: %.40s', (body) => {
    expect(verified(source, signedDelivery(source, body))).toMatchObject({ verdict: 'accepted', reply: undefined });
  });
});

describe("Twilio's answers", () => {
  const source = testSource('twilio');

  it('are empty TwiML for a message', () => {
    expect(verified(source, signedDelivery(source, FORM_BODY)).reply).toEqual({
      contentType: 'text/xml; charset=utf-8',
      text: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
    });
  });

  it('are empty for a status and for JSON', () => {
    expect(verified(source, signedDelivery(source, 'MessageSid=SM1&MessageStatus=sent')).reply).toBeUndefined();
    const query = `bodySHA256=${hash('sha256', '{}')}`;
    expect(verified(source, signedDelivery(source, '{}', { query })).reply).toBeUndefined();
  });
});

describe('the work of verifying', () => {
  /** How often each of three keys was used for a request that was signed with one of them, or with none. */
  function usesOfKeys(signer: number | undefined): number[] {
    const keys = three();
    const uses = keys.map(() => 0);
    const counted = keys.map(({ label, key }, at) => ({
      label,
      get key() {
        uses[at] = (uses[at] ?? 0) + 1;
        return key;
      },
    }));
    const key = signer === undefined ? secretKey('key-of-somebody-else-012345').key : keys[signer]!.key;
    const source = testSource('whatsapp', { keys: counted });
    verify(source, signedDelivery(source, '{}', { key }));
    return uses;
  }

  it.each([0, 1, 2, undefined])('is the same whichever of the keys matches: %s', (signer) => {
    const [first] = usesOfKeys(signer);
    expect(first).toBeGreaterThan(0);
    expect(usesOfKeys(signer)).toEqual([first, first, first]);
  });
});
