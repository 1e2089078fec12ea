import { createHmac } from 'node:crypto';
import { BODY, signatureRefusals, describeRefusals, withHeader, type Refusal } from '#testing/webhook-refusals.ts';
import { deliveryTo, NOW_MS, signedDelivery, testSource } from '#testing/webhook-requests.ts';
import type { Delivery, RefusalReason } from '#webhooks/provider.ts';

const SECONDS = String(NOW_MS / 1000);
const standard = testSource('standard-webhooks');
const slack = testSource('slack');
const stripe = testSource('stripe');

/** Signs the text of a time as it stands, whatever it is. */
const timed: Record<'standard-webhooks' | 'stripe' | 'slack', (time: string) => Delivery> = {
  'standard-webhooks': (time) => {
    const mac = createHmac('sha256', standard.keys[0]!.key).update(`msg_1.${time}.${BODY}`).digest('base64');
    return deliveryTo(standard, BODY, {
      'webhook-id': 'msg_1',
      'webhook-timestamp': time,
      'webhook-signature': `v1,${mac}`,
    });
  },
  stripe: (time) => {
    const mac = createHmac('sha256', stripe.keys[0]!.key).update(`${time}.${BODY}`).digest('hex');
    return deliveryTo(stripe, BODY, { 'stripe-signature': `t=${time},v1=${mac}` });
  },
  slack: (time) => {
    const mac = createHmac('sha256', slack.keys[0]!.key).update(`v0:${time}:${BODY}`).digest('hex');
    return deliveryTo(slack, BODY, { 'x-slack-request-timestamp': time, 'x-slack-signature': `v0=${mac}` });
  },
};

const badTimes: [title: string, time: string, reason: RefusalReason][] = [
  ['too old by a second', String(NOW_MS / 1000 - 301), 'timestamp-old'],
  ['too far ahead by a second', String(NOW_MS / 1000 + 301), 'timestamp-ahead'],
  ['ten years ahead', String(NOW_MS / 1000 + 315_360_000), 'timestamp-ahead'],
  ['followed by .evil', `${SECONDS}.evil`, 'timestamp-malformed'],
  ['followed by .9', `${SECONDS}.9`, 'timestamp-malformed'],
  ['with a plus', `+${SECONDS}`, 'timestamp-malformed'],
  ['13 digits', String(NOW_MS), 'timestamp-malformed'],
  ['Infinity', 'Infinity', 'timestamp-malformed'],
  ['exponent form', '1.7e9', 'timestamp-malformed'],
  ['negative', `-${SECONDS}`, 'timestamp-malformed'],
  ['digits of another script', '\u0661\u0667\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660', 'timestamp-malformed'],
  ['hexadecimal', '0x6553F100', 'timestamp-malformed'],
];

const timeRows: Refusal[] = [standard, stripe, slack].flatMap((source) => {
  const make = timed[source.provider as keyof typeof timed];
  const rows = badTimes.map(([title, time, reason]) => {
    return { title: `${source.provider}: time ${title}`, source, delivery: make(time), reason };
  });
  const earlier = make(String(NOW_MS / 1000 - 1));
  const changed = Object.fromEntries(
    Object.entries(earlier.headers).map(([name, values]) => [
      name,
      values?.map((value) => value.replace(String(NOW_MS / 1000 - 1), SECONDS)),
    ]),
  );
  return [
    ...rows,
    {
      title: `${source.provider}: time changed after signing`,
      source,
      delivery: { ...earlier, headers: changed },
      reason: 'signature-mismatch',
    },
  ];
});

const spaced: Refusal[] = [
  {
    title: 'standard-webhooks: time with a leading space',
    source: standard,
    delivery: timed['standard-webhooks'](` ${SECONDS}`),
    reason: 'timestamp-malformed',
  },
  {
    title: 'slack: time with a leading space',
    source: slack,
    delivery: timed.slack(` ${SECONDS}`),
    reason: 'timestamp-malformed',
  },
  {
    title: 'slack: time with a newline',
    source: slack,
    delivery: timed.slack(`${SECONDS}\n`),
    reason: 'timestamp-malformed',
  },
  {
    title: 'slack: no time',
    source: slack,
    delivery: withHeader(signedDelivery(slack, BODY), 'x-slack-request-timestamp'),
    reason: 'timestamp-missing',
  },
  {
    title: 'slack: two times',
    source: slack,
    delivery: withHeader(signedDelivery(slack, BODY), 'x-slack-request-timestamp', SECONDS, SECONDS),
    reason: 'timestamp-repeated',
  },
];

const stripeRows = signatureRefusals(stripe, BODY, [
  ['missing', () => [], 'signature-missing'],
  ['empty', () => [''], 'signature-malformed'],
  ['no t', (good) => [good.replace(/^t=\d+,/, '')], 'timestamp-missing'],
  ['no v1', (good) => [good.replace(/,v1=.*$/, '')], 'signature-unsupported'],
  ['only v0', (good) => [good.replace('v1', 'v0')], 'signature-unsupported'],
  ['two t', (good) => [`t=${SECONDS},${good}`], 'timestamp-repeated'],
  ['an old t before the fresh one', (good) => [`t=1600000000,${good}`], 'timestamp-repeated'],
  ['a space after the comma', (good) => [good.replace(',', ', ')], 'signature-malformed'],
  ['a trailing comma', (good) => [`${good},`], 'signature-malformed'],
  ['an item without a value', (good) => [`${good},v1=`], 'signature-malformed'],
  [
    'upper case',
    (good) => [good.replace(/v1=.*$/, (item) => `v1=${item.slice(3).toUpperCase()}`)],
    'signature-malformed',
  ],
  ['17 items', (good) => [good + good.slice(good.indexOf(',')).repeat(15)], 'signature-excessive'],
  ['two instances', (good) => [good, good], 'signature-repeated'],
  ['the right MAC under the name v2', (good) => [good.replace('v1', 'v2')], 'signature-unsupported'],
]);

describeRefusals('signed times that are refused', [...timeRows, ...spaced]);

describeRefusals("Stripe's header when it is refused", stripeRows);
