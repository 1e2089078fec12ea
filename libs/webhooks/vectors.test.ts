import { describe, expect, it } from 'vitest';
import { deliveryTo, secretKey, testSource } from '#testing/webhook-requests.ts';
import { decodeKey } from '#webhooks/key.ts';
import type { Delivery, KeyEncoding } from '#webhooks/provider.ts';
import { providerNames } from '#webhooks/providers.ts';
import { sign } from '#webhooks/sign.ts';
import { decodeSigningKey } from '#webhooks/signing-key.ts';
import type { Source } from '#webhooks/source.ts';
import { verify } from '#webhooks/verify.ts';

interface Vector {
  /** Where it was published, or `python3 hmac` where nobody publishes one. */
  from: string;
  source: Source;
  delivery: Delivery;
}

function vector(
  from: string,
  source: Source,
  body: string | Buffer,
  headers: Record<string, string>,
  overrides: Partial<Delivery> = {},
): Vector {
  return { from, source, delivery: { ...deliveryTo(source, body, headers), ...overrides } };
}

const keyed = (text: string, encoding: KeyEncoding): Source['keys'] => {
  const decoded = decodeKey(text, encoding);
  if (typeof decoded === 'string') throw new Error(decoded);
  return [{ label: 'only', key: decoded.key }];
};

const hub = (provider: 'whatsapp' | 'github', key: string, body: string | Buffer, hex: string, from: string): Vector =>
  vector(from, testSource(provider, { keys: [secretKey(key)] }), body, { 'x-hub-signature-256': `sha256=${hex}` });

const META_KEY = 'b7d1f0c3a95e4d2288f6a1c0e3d5b7f9';
/** As Meta's serialiser writes it: escapes in lower case, `/` and `<`, `%`, `@` escaped too. */
const META_WIRE = String.raw`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[{"id":"wamid.A+\/=","type":"text","text":{"body":"Gr\u00fc\u00dfe \ud83d\ude00 caf\u00e9 \u003Cb> 50\u0025 \u0040you $$ $&"}}]}}]}]}`;
const META_WIRE_MAC = '04049a1e9a887b102ad893d0e3b2848b5c5853586aee509145f18ab22c078c25';
const META_COMPACT = '{"object":"whatsapp_business_account","entry":[]}';
const META_SPACED = '{"object": "whatsapp_business_account", "entry": []}';

const hubVectors = [
  hub(
    'whatsapp',
    META_KEY,
    META_COMPACT,
    '9b40eeff8cd9f1230ab5bf70f7de328d8af556eff75b0acef52557ad5ee99ef6',
    'python3 hmac',
  ),
  hub(
    'whatsapp',
    META_KEY,
    META_SPACED,
    '7081fe332a507532acc6c75c16909ce86c96e44a554d814854a56f812a7a140d',
    'python3 hmac',
  ),
  hub('whatsapp', META_KEY, META_WIRE, META_WIRE_MAC, 'python3 hmac, escapes as on the wire'),
  hub(
    'whatsapp',
    'Jefe',
    'what do ya want for nothing?',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    'RFC 4231 §4.3',
  ),
  hub(
    'github',
    "It's a Secret to Everybody",
    'Hello, World!',
    '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    'docs.github.com, "Validating webhook deliveries"',
  ),
  hub(
    'github',
    'mysecret',
    '{\n  "foo": "bar"\n}\n',
    'e3eccac34c43c7dc1cbb905488b1b81347fcc700a7b025697a9d07862256023f',
    'octokit/webhooks-methods.js test/verify.test.ts',
  ),
  hub(
    'github',
    'development',
    '{\n  "foo": "Foo\\n\\u001B[34mbar: ♥♥♥♥♥♥♥♥\\nthis-is-lost\\u001B[0m\\u001B[2K"\n}\n',
    '9dacf9003316b09be07df56d86a2d0d6872e42a1e6c72c3bad9ff915a7c5603e',
    'octokit/webhooks-methods.js test/verify.test.ts, upper-case escapes',
  ),
  hub(
    'github',
    'development',
    '{\n  "foo": "\\\\u001b"\n}\n',
    '87316067e2011fae39998b18c46a14d83b3e7c3ffdd88fb2ee5afb7d11288e60',
    'octokit/webhooks-methods.js test/verify.test.ts, an escaped escape',
  ),
  hub(
    'github',
    'Convoy',
    'Test Payload Body',
    'd7a154547e7c35e31c4c820e20237650939c3d34dae136e30a7757ca61abb4cf',
    'frain-dev/convoy pkg/verifier/verifier_test.go',
  ),
];

const shopVectors = [
  vector(
    'woocommerce/woocommerce tests/unit-tests/webhooks/crud.php, empty secret',
    testSource('woocommerce', { keys: [secretKey('')] }),
    'secret',
    { 'x-wc-webhook-signature': 'GBDo00G55h6IiV+6CxqivQPLbI//KzaOZm747971tPs=' },
  ),
  vector(
    'python3 hmac, secret displayed with HTML entities',
    testSource('woocommerce', { keys: keyed('a&amp;b&lt;c&gt;d&quot;e&#039;f0123456789', 'html-decoded') }),
    '{"id":1,"status":"processing"}',
    { 'x-wc-webhook-signature': '4IvMlVg4uxHZ2vbFZaoLDOzCHoUZD4kaTv8qad0FFnM=' },
  ),
  vector(
    'picatz/flowstate pkg/flowstate/v1 (Shopify publishes none)',
    testSource('shopify', { keys: [secretKey('shop-secret')] }),
    '{"id":1}',
    { 'x-shopify-hmac-sha256': 'plW8VGqq0nDMIEhDqaNNW99asdUCy7EIqLZVcQwtAZ0=' },
  ),
  vector(
    'python3 hmac, hex',
    testSource('wooalerts', { keys: [secretKey('wooalerts-9f27c4b1d0')] }),
    '{"event":"order.created"}',
    { 'x-wooalerts-signature': 'f147afff02137bd073c3edffa78254400a1964b0a7b89aa6e512336a51400e32' },
  ),
  vector(
    'python3 hmac, hex with prefix',
    testSource('wooalerts', { keys: [secretKey('wooalerts-9f27c4b1d0')] }),
    '{"event":"order.created"}',
    { 'x-wooalerts-signature': 'sha256=f147afff02137bd073c3edffa78254400a1964b0a7b89aa6e512336a51400e32' },
  ),
  vector(
    'python3 hmac, base64 in a header of another name',
    testSource('wooalerts', {
      keys: [secretKey('wooalerts-9f27c4b1d0')],
      signatureEncoding: 'base64',
      signatureHeader: 'x-signature',
    }),
    '{"event":"order.created"}',
    { 'x-signature': '8Uev/wITe9Bzw+3/p4JUQAoZZLCnuJqm5RIzalFADjI=' },
  ),
];

const STANDARD_BODY = '{"test": 2432232314}';
const STANDARD_HEADERS = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: '1614265330' };
const STANDARD_NOW = { nowMs: 1_614_265_330_000 };
const V1 = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const V1A = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const WHPK = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';
const WHSK = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';

const standardHeaders = (family: string, signature: string): Record<string, string> => ({
  [`${family}-id`]: STANDARD_HEADERS.id,
  [`${family}-timestamp`]: STANDARD_HEADERS.timestamp,
  [`${family}-signature`]: signature,
});

const symmetric = testSource('standard-webhooks', { keys: keyed(WHSEC, 'whsec') });
const asymmetric = testSource('standard-webhooks', { keys: keyed(WHPK, 'whsec') });

const paddle = testSource('paddle', { keys: [secretKey('VALID_SECRET')] });
const PADDLE_H1 = 'h1=28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261';
const PADDLE_NOW = { nowMs: 1_698_796_800_000 };

const timedVectors = [
  vector(
    'standard-webhooks libraries/javascript/src/webhook.test.ts',
    symmetric,
    STANDARD_BODY,
    standardHeaders('webhook', V1),
    STANDARD_NOW,
  ),
  vector(
    'the same under the names that Svix uses',
    symmetric,
    STANDARD_BODY,
    standardHeaders('svix', V1),
    STANDARD_NOW,
  ),
  vector(
    'svix/svix-webhooks server/svix-server/src/worker.rs, test_asymmetric_key_signing',
    asymmetric,
    STANDARD_BODY,
    standardHeaders('webhook', V1A),
    STANDARD_NOW,
  ),
  vector(
    'docs.slack.dev, "Verifying requests from Slack"',
    testSource('slack', { keys: [secretKey('8f742231b10e8888abcd99yyyzzz85a5')] }),
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
    { nowMs: 1_531_420_618_000 },
  ),
  vector(
    'python3 hmac; the key is the literal whsec_…',
    testSource('stripe', { keys: keyed('whsec_5f0c9a7be3d14826', 'utf8') }),
    '{"id":"evt_1"}',
    { 'stripe-signature': 't=1700000000,v1=f95583c54caa14e00ef34f2d4648f0d1b46e55dc75e75d86f2c64c3e8f58452e' },
  ),
  vector(
    'PaddleHQ/paddle-node-sdk src/__tests__/notifications/webhooks-validator.test.ts',
    paddle,
    '{"data": ["1", "2"]}',
    { 'paddle-signature': 'ts=1698796800;h1=a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9' },
    PADDLE_NOW,
  ),
  vector(
    'the same, several signatures',
    paddle,
    '{"data": "value"}',
    { 'paddle-signature': `ts=1698796800;${PADDLE_H1};${PADDLE_H1};h2=RANDOM_HASH` },
    PADDLE_NOW,
  ),
];

const CALL = 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212';
const TWILIO_JSON = '{"property": "value", "boolean": true}';
const TWILIO_HASH = 'bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620';

/** twilio/twilio-node spec/validation.spec.js; the token is `12345`. */
const twilio = (
  what: string,
  body: string,
  signature: string,
  { query = 'foo=1&bar=2', origin = 'https://mycompany.com' } = {},
): Vector =>
  vector(
    `twilio/twilio-node spec/validation.spec.js, ${what}`,
    testSource('twilio', { keys: [secretKey('12345')], path: '/myapp.php', publicUrl: origin }),
    body,
    { 'x-twilio-signature': signature },
    { path: '/myapp.php', query },
  );

const twilioVectors = [
  twilio('a form', CALL, 'RSOYDt4T1cUTdK1PDd93/VVr8B8='),
  twilio('https with a port, signed without', CALL, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', {
    origin: 'https://mycompany.com:1234',
  }),
  twilio('http with a port', CALL, 'Zmvh+3yNM1Phv2jhDCwEM3q5ebU=', { origin: 'http://mycompany.com:1234' }),
  twilio('https, signed with port 443', CALL, 'kvajT1Ptam85bY51eRf/AJRuM3w='),
  twilio('http, signed with port 80', CALL, '0ZXoZLH/DfblKGATFgpif+LLRf4=', { origin: 'http://mycompany.com' }),
  twilio('credentials in the URL', CALL, 'CukzLTc1tT5dXEDIHm/tKBanW10=', { origin: 'https://user:pass@mycompany.com' }),
  twilio('a user in the URL', CALL, '2YRLlVAflCqxaNicjMpJcSTgzSs=', { origin: 'https://user@mycompany.com' }),
  twilio('credentials, signed with port 443', CALL, 'ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=', {
    origin: 'https://user:pass@mycompany.com',
  }),
  twilio('special characters in the query', CALL, 'dsq4Ehbj6cs+KdTkpF5sSSplOWw=', {
    query: "foo=1&bar=2&Body=It's+amazing",
  }),
  twilio(
    'a repeated field',
    'MessagingBinding.Address=%2B1325xxxxxxx&MessagingBinding.Address=%2B1415xxxxxxx',
    '83O6e2vORAoJHUNzJjDWN1jz+BA=',
  ),
  twilio(
    'a repeated field in another order',
    'MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx',
    '83O6e2vORAoJHUNzJjDWN1jz+BA=',
  ),
  twilio(
    'several fields and values',
    'Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234',
    'IK+Dwps556ElfBT0I3Rgjkr1wJU=',
  ),
  twilio('a JSON body', TWILIO_JSON, 'a9nBmqA0ju/hNViExpshrM61xv4=', { query: `foo=1&bar=2&${TWILIO_HASH}` }),
  twilio('a JSON body, nothing else in the query', TWILIO_JSON, 'y77kIzt2vzLz71DgmJGsen2scGs=', { query: TWILIO_HASH }),
];

const vectors = [...hubVectors, ...shopVectors, ...timedVectors, ...twilioVectors];

describe('published and independently computed signatures', () => {
  it.each(vectors.map((each) => [each.source.provider, each.from, each] as const))(
    'verify: %s, %s',
    (_provider, _from, { source, delivery }) => {
      expect(verify(source, delivery)).toMatchObject({ ok: true, verdict: 'accepted', secretLabel: 'only' });
    },
  );

  it.each(vectors.map((each) => [each.source.provider, each.from, each] as const))(
    'stop verifying when one bit of the body is flipped: %s, %s',
    (_provider, _from, { source, delivery }) => {
      const body = Buffer.from(delivery.body);
      body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
      expect(verify(source, { ...delivery, body }).ok).toBe(false);
    },
  );
});

it('there is a vector of every provider', () => {
  const missing = providerNames.filter((name) => !vectors.some(({ source }) => source.provider === name));
  expect(missing).toEqual([]);
});

describe('signatures that must not verify', () => {
  it('the compact body under the signature of the spaced one', () => {
    const [compact, spaced] = hubVectors;
    expect(verify(compact!.source, { ...compact!.delivery, body: spaced!.delivery.body }).ok).toBe(false);
  });

  it('a body in wire form that was parsed and serialised again', () => {
    const { source, delivery } = hubVectors[2]!;
    const again = Buffer.from(JSON.stringify(JSON.parse(META_WIRE)));
    expect(verify(source, { ...delivery, body: again })).toEqual({ ok: false, reason: 'signature-mismatch' });
  });
});

describe('signing mirrors verifying', () => {
  it('makes the published v1 signature', () => {
    const headers = sign(
      { ...symmetric, key: symmetric.keys[0]!.key },
      { ...STANDARD_NOW, id: STANDARD_HEADERS.id, body: Buffer.from(STANDARD_BODY), url: '' },
    );
    expect(headers).toEqual(standardHeaders('webhook', V1));
  });

  it.each([WHSK, `whsk_${Buffer.from(WHSK.slice(5), 'base64').subarray(0, 32).toString('base64')}`])(
    'makes the published v1a signature from %s',
    (text) => {
      const key = decodeSigningKey(text, 'whsec');
      if (typeof key === 'string') throw new Error(key);
      const headers = sign(
        { ...asymmetric, key },
        { ...STANDARD_NOW, id: STANDARD_HEADERS.id, body: Buffer.from(STANDARD_BODY), url: '' },
      );
      expect(headers).toEqual(standardHeaders('webhook', V1A));
    },
  );
});
