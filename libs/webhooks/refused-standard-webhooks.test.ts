import { BODY, describeRefusals, withHeader, type Refusal } from '#testing/webhook-refusals.ts';
import { ed25519Pair, NOW_MS, signedDelivery, testSource } from '#testing/webhook-requests.ts';
import type { RefusalReason } from '#webhooks/provider.ts';

const SECONDS = String(NOW_MS / 1000);
const standard = testSource('standard-webhooks');
const pair = ed25519Pair(Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'));
const asymmetric = testSource('standard-webhooks', { keys: [pair.publicKey] });
const foreignPair = ed25519Pair(Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'));
const goodStandard = signedDelivery(standard, BODY);
const goodV1 = goodStandard.headers['webhook-signature']?.[0] ?? '';
const goodV1a = signedDelivery(asymmetric, BODY, { key: pair.privateKey }).headers['webhook-signature']?.[0] ?? '';

const standardRow = (
  title: string,
  header: string,
  values: string[],
  reason: RefusalReason,
  source = standard,
): Refusal => ({
  title: `standard-webhooks: ${title}`,
  source,
  delivery: withHeader(
    source === standard ? goodStandard : signedDelivery(asymmetric, BODY, { key: pair.privateKey }),
    `webhook-${header}`,
    ...values,
  ),
  reason,
});

const standardRows: Refusal[] = [
  standardRow('id missing', 'id', [], 'id-missing'),
  standardRow('id twice', 'id', ['msg_a', 'msg_a'], 'id-repeated'),
  standardRow('id empty', 'id', [''], 'id-malformed'),
  standardRow('`.` in the id', 'id', ['msg.1'], 'id-malformed'),
  standardRow('id of 129 characters', 'id', ['m'.repeat(129)], 'id-malformed'),
  standardRow('id with a space', 'id', ['msg 1'], 'id-malformed'),
  standardRow('id with a newline', 'id', ['msg_1\n'], 'id-malformed'),
  standardRow('id changed after signing', 'id', ['msg_other'], 'signature-mismatch'),
  standardRow('timestamp missing', 'timestamp', [], 'timestamp-missing'),
  standardRow('timestamp twice', 'timestamp', [SECONDS, SECONDS], 'timestamp-repeated'),
  standardRow('signature missing', 'signature', [], 'signature-missing'),
  standardRow('signature twice', 'signature', [goodV1, goodV1], 'signature-repeated'),
  standardRow('`v1a` where only v1 has a key', 'signature', [goodV1a], 'signature-unsupported'),
  standardRow('`v1` where only v1a has a key', 'signature', [goodV1], 'signature-unsupported', asymmetric),
  standardRow('an unknown version only', 'signature', [goodV1.replace('v1', 'v2')], 'signature-unsupported'),
  standardRow('a version without a comma', 'signature', [goodV1.replace(',', '')], 'signature-malformed'),
  standardRow('a version without a signature', 'signature', ['v1,'], 'signature-malformed'),
  standardRow('two spaces between signatures', 'signature', [`${goodV1}  ${goodV1}`], 'signature-malformed'),
  standardRow('signatures joined by commas', 'signature', [`${goodV1},${goodV1}`], 'signature-malformed'),
  standardRow('9 signatures', 'signature', [Array.from({ length: 9 }, () => goodV1).join(' ')], 'signature-excessive'),
  standardRow(
    '10,000 signatures',
    'signature',
    [Array.from({ length: 10_000 }, () => goodV1).join(' ')],
    'signature-excessive',
  ),
  standardRow(
    'v1 text under the version v1a',
    'signature',
    [goodV1.replace('v1', 'v1a')],
    'signature-malformed',
    asymmetric,
  ),
  {
    title: 'standard-webhooks: v1a made with another private key',
    source: asymmetric,
    delivery: signedDelivery(asymmetric, BODY, { key: foreignPair.privateKey }),
    reason: 'signature-mismatch',
  },
  {
    title: 'standard-webhooks: a public key offered in a header',
    source: asymmetric,
    delivery: withHeader(
      signedDelivery(asymmetric, BODY, { key: foreignPair.privateKey }),
      'webhook-public-key',
      `whpk_${Buffer.from(String(foreignPair.publicKey.key.export({ format: 'jwk' }).x), 'base64url').toString('base64')}`,
    ),
    reason: 'signature-mismatch',
  },
  {
    title: 'standard-webhooks: the border moved from the body into the id',
    source: standard,
    delivery: {
      ...withHeader(signedDelivery(standard, `${SECONDS}.{}`, { id: 'm1' }), 'webhook-id', `m1.${SECONDS}`),
      body: Buffer.from('{}'),
    },
    reason: 'id-malformed',
  },
  {
    title: 'standard-webhooks: the headers of both families mixed',
    source: standard,
    delivery: withHeader(
      withHeader(goodStandard, 'webhook-id'),
      'svix-id',
      goodStandard.headers['webhook-id']?.[0] ?? '',
    ),
    reason: 'id-missing',
  },
];

describeRefusals('Standard Webhooks that are refused', standardRows);
