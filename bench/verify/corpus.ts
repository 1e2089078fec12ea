import { createHmac, randomBytes, type KeyObject } from 'node:crypto';
import { deliveryTo, ed25519Pair, secretKey, signedDelivery, testSource } from '../../libs/testing/webhook-requests.ts';
import type { Delivery } from '../../libs/webhooks/provider.ts';
import type { ProviderName } from '../../libs/webhooks/providers.ts';
import type { Source } from '../../libs/webhooks/source.ts';

export type Scheme =
  | 'github'
  | 'stripe'
  | 'shopify'
  | 'woocommerce'
  | 'standard-webhooks'
  | 'svix'
  | 'standard-webhooks v1a';

/** One request, and what its sender's documentation and the signature over the received bytes make of it. */
export interface Case {
  scheme: Scheme;
  title: string;
  right: 'accept' | 'reject';
  source: Source;
  /** As a library takes it. */
  secret: string;
  delivery: Delivery;
}

type Kind = Pick<Case, 'scheme' | 'source' | 'secret'> & {
  header: string;
  good: (body: string | Buffer) => Delivery;
};

type Row = [title: string, right: Case['right'], make: (kind: Kind) => Delivery];

const BODY = '{"id":"evt_1","text":"Grüße 😀"}';
const DAY_SECONDS = 86_400;

/** A good request of each scheme, to measure with. */
export function goodCases(nowMs: number, body: string): Case[] {
  return cross(Object.values(kindsAt(nowMs)), [['a good request', 'accept', ({ good }) => good(body)]]);
}

/** Every row against every scheme that it fits; all are signed now, because most libraries read the clock themselves. */
export function openCorpus(nowMs: number): Case[] {
  const kinds = kindsAt(nowMs);
  const { github, stripe, shopify, woocommerce, 'standard-webhooks': standard, svix } = kinds;
  const all = Object.values(kinds);
  const timed = timedRows(Math.floor(nowMs / 1_000));
  return [
    ...cross(all, bodyRows),
    ...cross(all, headerRows),
    ...cross([github, stripe], hexRows),
    ...cross([shopify, woocommerce, standard, svix], base64Rows),
    ...cross([github], githubRows),
    ...cross([stripe], timed.stripe),
    ...cross([standard, svix], timed.standard),
  ];
}

const cross = (kinds: readonly Kind[], rows: readonly Row[]): Case[] =>
  kinds.flatMap((kind) =>
    rows.map(([title, right, make]) => ({
      scheme: kind.scheme,
      title,
      right,
      source: kind.source,
      secret: kind.secret,
      delivery: make(kind),
    })),
  );

function kindsAt(nowMs: number): Record<Scheme, Kind> {
  const text = randomBytes(24).toString('hex');
  const plain = (provider: ProviderName & Scheme, header: string): Kind => {
    const source = testSource(provider, { keys: [secretKey(text)] });
    return { scheme: provider, source, secret: text, header, good: signer(source, nowMs) };
  };
  const key = randomBytes(32);
  const source = testSource('standard-webhooks', { keys: [secretKey(key)] });
  const good = signer(source, nowMs);
  const hmac = { source, secret: `whsec_${key.toString('base64')}` };
  return {
    github: plain('github', 'x-hub-signature-256'),
    stripe: plain('stripe', 'stripe-signature'),
    shopify: plain('shopify', 'x-shopify-hmac-sha256'),
    woocommerce: plain('woocommerce', 'x-wc-webhook-signature'),
    'standard-webhooks': { ...hmac, scheme: 'standard-webhooks', header: 'webhook-signature', good },
    svix: { ...hmac, scheme: 'svix', header: 'svix-signature', good: (body) => withSvixNames(good(body)) },
    'standard-webhooks v1a': ed25519Kind(nowMs),
  };
}

function ed25519Kind(nowMs: number): Kind {
  const { privateKey, publicKey } = ed25519Pair(randomBytes(32));
  const source = testSource('standard-webhooks', { keys: [publicKey] });
  const raw = Buffer.from(publicKey.key.export({ format: 'jwk' }).x ?? '', 'base64url');
  return {
    scheme: 'standard-webhooks v1a',
    source,
    secret: `whpk_${raw.toString('base64')}`,
    header: 'webhook-signature',
    good: signer(source, nowMs, privateKey),
  };
}

const signer =
  (source: Source, nowMs: number, key?: KeyObject) =>
  (body: string | Buffer): Delivery => ({
    ...signedDelivery(source, body, { nowMs, ...(key === undefined ? {} : { key }) }),
    nowMs,
  });

function withSvixNames(delivery: Delivery): Delivery {
  const headers = Object.entries(delivery.headers).map(([name, values]) => [
    name.replace(/^webhook-/, 'svix-'),
    values,
  ]);
  return { ...delivery, headers: Object.fromEntries(headers) as Delivery['headers'] };
}

/** Signed over one body, delivered with another. */
const swapped = (kind: Kind, signed: string | Buffer, delivered: Buffer): Delivery => ({
  ...kind.good(signed),
  body: delivered,
});

const withByte = (byte: Buffer): Buffer => Buffer.concat([Buffer.from('{"text":"'), byte, Buffer.from('"}')]);

const bodyRows: Row[] = [
  ['a good request', 'accept', ({ good }) => good(BODY)],
  ['`$$`, `$&` and `` $` `` in the body', 'accept', ({ good }) => good('{"text":"$$ $& $` $1"}')],
  ['a body with spaces and line ends of its own', 'accept', ({ good }) => good('{ "b" : 1 ,\r\n "a":1.0 }\n')],
  ['`\\u00e9` in the body', 'accept', ({ good }) => good('{"text":"caf\\u00e9 \\/ 😀"}')],
  [
    'signed with U+FFFD, delivered with byte 0xFF',
    'reject',
    (kind) => swapped(kind, '{"text":"\uFFFD"}', withByte(Buffer.from([0xff]))),
  ],
  [
    'a byte order mark put before the body',
    'reject',
    (kind) => swapped(kind, BODY, Buffer.concat([Buffer.from('\uFEFF'), Buffer.from(BODY)])),
  ],
  ['one byte changed', 'reject', (kind) => swapped(kind, BODY, Buffer.from(BODY.replace('evt_1', 'evt_2')))],
  ['one space added', 'reject', (kind) => swapped(kind, BODY, Buffer.from(`${BODY} `))],
  [
    'JSON written anew',
    'reject',
    (kind) => swapped(kind, '{ "a": 1 }', Buffer.from(JSON.stringify(JSON.parse('{ "a": 1 }')))),
  ],
  ['an empty body', 'reject', (kind) => swapped(kind, BODY, Buffer.alloc(0))],
];

const signature = (kind: Kind, ...make: ((good: string) => string)[]): Delivery => {
  const delivery = kind.good(BODY);
  const good = delivery.headers[kind.header]?.[0] ?? '';
  const { [kind.header]: _old, ...rest } = delivery.headers;
  return { ...delivery, headers: make.length === 0 ? rest : { ...rest, [kind.header]: make.map((one) => one(good)) } };
};

const same = (good: string): string => good;

const headerRows: Row[] = [
  ['no signature', 'reject', (kind) => signature(kind)],
  ['an empty signature', 'reject', (kind) => signature(kind, () => '')],
  ['the signature header twice, both right', 'reject', (kind) => signature(kind, same, same)],
  [
    'only the first half of the signature',
    'reject',
    (kind) => signature(kind, (good) => good.slice(0, good.length >> 1)),
  ],
];

/** The MAC is the last 64 characters. */
const mac = (change: (hex: string) => string) => (good: string) => good.slice(0, -64) + change(good.slice(-64));

const hexRows: Row[] = [
  [
    'hex in upper case',
    'reject',
    (kind) =>
      signature(
        kind,
        mac((hex) => hex.toUpperCase()),
      ),
  ],
  ['hex with `zz` behind', 'reject', (kind) => signature(kind, (good) => `${good}zz`)],
  ['hex with one digit more', 'reject', (kind) => signature(kind, (good) => `${good}0`)],
  ['hex with `=junk` behind', 'reject', (kind) => signature(kind, (good) => `${good}=junk`)],
  [
    '64 characters that are no hex',
    'reject',
    (kind) =>
      signature(
        kind,
        mac(() => 'g'.repeat(64)),
      ),
  ],
  [
    '64 characters that are no ASCII',
    'reject',
    (kind) =>
      signature(
        kind,
        mac(() => '\u00E4'.repeat(64)),
      ),
  ],
];

const base64Rows: Row[] = [
  ['base64 without padding', 'reject', (kind) => signature(kind, (good) => good.replace(/=$/, ''))],
  [
    'base64 with a last character that is not canonical',
    'reject',
    (kind) => signature(kind, (good) => good.replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`)),
  ],
  ['base64 with `AAAA` behind', 'reject', (kind) => signature(kind, (good) => `${good}AAAA`)],
];

const githubRows: Row[] = [
  ['prefix `sha1=` before the SHA-256', 'reject', (kind) => signature(kind, (good) => good.replace('sha256', 'sha1'))],
  ['no prefix', 'reject', (kind) => signature(kind, (good) => good.slice('sha256='.length))],
  ['a form with `payload=`, signed as received', 'accept', ({ good }) => good('payload=%7B%22a%22%3A1%7D')],
];

/** Signs the text of a time as it stands. */
function stripeAt({ source, secret }: Kind, time: string, nowMs: number, header = ''): Delivery {
  const hex = createHmac('sha256', secret).update(`${time}.${BODY}`).digest('hex');
  return { ...deliveryTo(source, BODY, { 'stripe-signature': `${header}t=${time},v1=${hex}` }), nowMs };
}

interface Message {
  id?: string;
  /** The time that is signed, and the one that is sent. */
  time: string;
  sent?: string;
  body?: string;
  delivered?: string;
}

function standardAt(kind: Kind, nowMs: number, message: Message): Delivery {
  const { id = 'msg_1', time, sent = time, body = BODY, delivered = body } = message;
  return standardHeaders(kind, nowMs, { id, sent, delivered, list: `v1,${macOf(kind, `${id}.${time}.${body}`)}` });
}

const macOf = ({ source }: Kind, text: string): string => {
  const key = source.keys[0]?.key;
  return key === undefined ? '' : createHmac('sha256', key).update(text).digest('base64');
};

function standardHeaders(
  { source, scheme }: Kind,
  nowMs: number,
  { id, sent, delivered, list }: { id: string; sent: string; delivered: string; list: string },
): Delivery {
  const delivery = {
    ...deliveryTo(source, delivered, { 'webhook-id': id, 'webhook-timestamp': sent, 'webhook-signature': list }),
    nowMs,
  };
  return scheme === 'svix' ? withSvixNames(delivery) : delivery;
}

function timedRows(seconds: number): { stripe: Row[]; standard: Row[] } {
  const nowMs = seconds * 1_000;
  const now = String(seconds);
  const old = String(seconds - DAY_SECONDS);
  const ahead = String(seconds + 3_650 * DAY_SECONDS);
  return {
    stripe: [
      ['signed a day ago', 'reject', (kind) => stripeAt(kind, old, nowMs)],
      ['signed for ten years ahead', 'reject', (kind) => stripeAt(kind, ahead, nowMs)],
      ['an old `t` before the fresh one', 'reject', (kind) => stripeAt(kind, now, nowMs, `t=${old},`)],
      ['a fresh `t` before the old one that was signed', 'reject', (kind) => stripeAt(kind, old, nowMs, `t=${now},`)],
      [
        'an old one that was signed, a fresh `t` behind',
        'reject',
        (kind) => {
          const delivery = stripeAt(kind, old, nowMs);
          return {
            ...delivery,
            headers: { 'stripe-signature': [`${delivery.headers['stripe-signature']?.[0]},t=${now}`] },
          };
        },
      ],
      ['time followed by `.9`', 'reject', (kind) => stripeAt(kind, `${now}.9`, nowMs)],
      ['only `v0`', 'reject', (kind) => signature(kind, (good) => good.replace('v1=', 'v0='))],
      [
        'two `v1`, the second right',
        'accept',
        (kind) => signature(kind, (good) => good.replace(',v1=', `,v1=${'0'.repeat(64)},v1=`)),
      ],
      ['two `v1`, the first right', 'accept', (kind) => signature(kind, (good) => `${good},v1=${'0'.repeat(64)}`)],
    ],
    standard: [
      ['signed a day ago', 'reject', (kind) => standardAt(kind, nowMs, { time: old })],
      ['signed for ten years ahead', 'reject', (kind) => standardAt(kind, nowMs, { time: ahead })],
      [
        'signed time `<ts>`, sent `<ts>.evil`',
        'reject',
        (kind) => standardAt(kind, nowMs, { time: now, sent: `${now}.evil` }),
      ],
      [
        'signed time `<ts>`, sent `<ts>.9`',
        'reject',
        (kind) => standardAt(kind, nowMs, { time: now, sent: `${now}.9` }),
      ],
      ['signed time `<ts>`, sent `+<ts>`', 'reject', (kind) => standardAt(kind, nowMs, { time: now, sent: `+${now}` })],
      [
        'id `m1.<ts>`: the border between id and body moved',
        'reject',
        (kind) =>
          standardHeaders(kind, nowMs, {
            id: `m1.${now}`,
            sent: now,
            delivered: '{}',
            list: `v1,${macOf(kind, `m1.${now}.${now}.{}`)}`,
          }),
      ],
      [
        'id changed after signing',
        'reject',
        (kind) => {
          const delivery = standardAt(kind, nowMs, { time: now });
          const name = kind.scheme === 'svix' ? 'svix-id' : 'webhook-id';
          return { ...delivery, headers: { ...delivery.headers, [name]: ['msg_2'] } };
        },
      ],
      ['the MAC under the name `v2`', 'reject', (kind) => signature(kind, (good) => good.replace('v1,', 'v2,'))],
      ['the MAC under the name `v1a`', 'reject', (kind) => signature(kind, (good) => good.replace('v1,', 'v1a,'))],
      [
        'two signatures, the second right',
        'accept',
        (kind) => signature(kind, (good) => `v1,${Buffer.alloc(32).toString('base64')} ${good}`),
      ],
      [
        'a `v1a` beside the right `v1`',
        'accept',
        (kind) => signature(kind, (good) => `v1a,${Buffer.alloc(64).toString('base64')} ${good}`),
      ],
    ],
  };
}
