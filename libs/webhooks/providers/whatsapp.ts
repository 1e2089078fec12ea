import type { Provider } from '#webhooks/provider.ts';
import { expandWhatsapp } from '#webhooks/providers/whatsapp-events.ts';
import { whatsappBatch, whatsappMessage } from '#webhooks/providers/whatsapp-samples.ts';
import { bodyMac, hexMac } from '#webhooks/signature/body-mac.ts';
import { answerChallenge, readChallenge } from '#webhooks/signature/challenge.ts';
import { macText } from '#webhooks/signature/hmac.ts';
import { signed } from '#webhooks/signed.ts';

const HEADER = 'x-hub-signature-256';
const post = signed(bodyMac((_sender, head) => hexMac(head, HEADER, 'sha256=')));

/** Meta WhatsApp Cloud API ("Create a webhook endpoint"). The key is the app secret, never the verify token. */
export const whatsapp: Provider = {
  words: {
    signature:
      '`x-hub-signature-256`, the app secret; GET challenge with `WHATSAPP_VERIFY_TOKEN` or `WEBHOOK_VERIFY_TOKEN_<S>`',
    copies: 'the body',
    afterwards: 'Meta repeats for 7 days',
  },
  methods: ['GET', 'POST'],
  keptHeaders: () => [HEADER],
  precheck(sender, head) {
    if (head.method !== 'GET') return post.precheck(sender, head);
    const read = readChallenge(head);
    return typeof read === 'string' ? read : undefined;
  },
  verify(sender, delivery) {
    return delivery.method === 'GET' ? answerChallenge(sender, delivery) : post.verify(sender, delivery);
  },
  expand: expandWhatsapp,
  keyEncoding: 'utf8',
  outage: '503',
  signatureHeaderOf: () => HEADER,
  signsUrl: false,
  sign: ({ key }, { body }) => ({ [HEADER]: `sha256=${macText(key, 'hex', body)}` }),
  sample: (n, nowMs) => ({
    body: whatsappBatch([whatsappMessage(n, nowMs)]),
    headers: { 'content-type': 'application/json' },
  }),
};
