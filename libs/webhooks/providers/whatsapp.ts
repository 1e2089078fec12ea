import type { Provider } from '#webhooks/provider.ts';
import { expandWhatsapp } from '#webhooks/providers/whatsapp-events.ts';
import { bodyMac, hexMac } from '#webhooks/signature/body-mac.ts';
import { answerChallenge, readChallenge } from '#webhooks/signature/challenge.ts';
import { signed } from '#webhooks/signed.ts';

const HEADER = 'x-hub-signature-256';
const post = signed(bodyMac((_source, head) => hexMac(head, HEADER, 'sha256=')));

/** Meta WhatsApp Cloud API ("Create a webhook endpoint"). The key is the app secret, never the verify token. */
export const whatsapp: Provider = {
  methods: ['GET', 'POST'],
  keptHeaders: () => [HEADER],
  precheck(source, head) {
    if (head.method !== 'GET') return post.precheck(source, head);
    const read = readChallenge(head);
    return typeof read === 'string' ? read : undefined;
  },
  verify(source, delivery) {
    return delivery.method === 'GET' ? answerChallenge(source, delivery) : post.verify(source, delivery);
  },
  expand: expandWhatsapp,
  keyEncoding: 'utf8',
  outage: '503',
};
