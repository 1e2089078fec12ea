import { createHmac, randomBytes, type KeyObject } from 'node:crypto';

const ID_LENGTH = 32;
const TEXT =
  'Hello! My order from last week has not arrived yet, and the tracking page still says that it is being prepared. ' +
  'Could you have a look at what happened to it, please? The number on the invoice is 2026-118-4471, and I paid by card. Many thanks for your help, and have a nice day!';

/** How large a delivery is: WhatsApp sends up to 1,000 updates in one, and 3 MB. */
export interface BodySize {
  name: string;
  messages: number;
  /** How often each message says its text; a message of WhatsApp holds up to 4,096 characters. */
  repeats: number;
}

export const bodySizes = {
  message: { name: '0.8 KB', messages: 1, repeats: 1 },
  batch: { name: '20 KB', messages: 42, repeats: 1 },
  largest: { name: '3 MB', messages: 1_000, repeats: 10 },
} satisfies Record<string, BodySize>;

/** Meta's payload of text messages. */
function bodyOf({ messages, repeats }: BodySize, id: string): string {
  return JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '102290129340398',
        changes: [
          {
            value: {
              messaging_product: 'whatsapp',
              metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
              contacts: [
                { profile: { name: 'Sheena Nelson' }, wa_id: '16505551234', user_id: 'US.13491208655302741918' },
              ],
              messages: Array.from({ length: messages }, () => ({
                from: '16505551234',
                from_user_id: 'US.13491208655302741918',
                id: `wamid.${id}`,
                timestamp: '1749416383',
                type: 'text',
                text: { body: TEXT.repeat(repeats) },
              })),
            },
            field: 'messages',
          },
        ],
      },
    ],
  });
}

export const bytesOf = (size: BodySize): number => Buffer.byteLength(bodyOf(size, '0'.repeat(ID_LENGTH)));

export const bodyBytes = bytesOf(bodySizes.message);

export interface DeliveryOptions {
  path: string;
  host: string;
  size?: BodySize;
}

/** Makes whole HTTP/1.1 requests, each with messages of its own and its signature, as one run of bytes each. */
export function openDeliveries(
  key: KeyObject,
  { path, host, size = bodySizes.message }: DeliveryOptions,
): () => Buffer {
  const placeholder = '0'.repeat(ID_LENGTH);
  const signature = '0'.repeat(64);
  const body = bodyOf(size, placeholder);
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}`,
    'user-agent: facebookexternalua',
    'content-type: application/json',
    `x-hub-signature-256: sha256=${signature}`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    '',
  ].join('\r\n');
  const template = Buffer.from(head + body);
  const signatureAt = head.indexOf(signature);
  const idsAt = Array.from(
    body.matchAll(new RegExp(`wamid\\.(${placeholder})`, 'g')),
    ({ index }) => head.length + index + 6,
  );
  const prefix = randomBytes(8).toString('hex').toUpperCase();
  let count = 0;
  return () => {
    const request = Buffer.from(template);
    for (const idAt of idsAt) {
      count += 1;
      request.write(prefix + count.toString().padStart(ID_LENGTH - prefix.length, '0'), idAt, 'latin1');
    }
    request.write(createHmac('sha256', key).update(request.subarray(head.length)).digest('hex'), signatureAt, 'latin1');
    return request;
  };
}
