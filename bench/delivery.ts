import { createHmac, randomBytes, type KeyObject } from 'node:crypto';

const ID_LENGTH = 32;
const TEXT =
  'Hello! My order from last week has not arrived yet, and the tracking page still says that it is being prepared. ' +
  'Could you have a look at what happened to it, please? The number on the invoice is 2026-118-4471, and I paid by card. Many thanks for your help, and have a nice day!';

/** Meta's payload of one text message, 0.8 KB. */
function messageBody(id: string): string {
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
              messages: [
                {
                  from: '16505551234',
                  from_user_id: 'US.13491208655302741918',
                  id: `wamid.${id}`,
                  timestamp: '1749416383',
                  type: 'text',
                  text: { body: TEXT },
                },
              ],
            },
            field: 'messages',
          },
        ],
      },
    ],
  });
}

export const bodyBytes = Buffer.byteLength(messageBody('0'.repeat(ID_LENGTH)));

/** Makes whole HTTP/1.1 requests, each with a message of its own and its signature, as one run of bytes each. */
export function openDeliveries(key: KeyObject, { path, host }: { path: string; host: string }): () => Buffer {
  const placeholder = '0'.repeat(ID_LENGTH);
  const signature = '0'.repeat(64);
  const body = messageBody(placeholder);
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
  const idAt = head.length + body.indexOf(placeholder);
  const prefix = randomBytes(8).toString('hex').toUpperCase();
  let count = 0;
  return () => {
    const request = Buffer.from(template);
    count += 1;
    request.write(prefix + count.toString().padStart(ID_LENGTH - prefix.length, '0'), idAt, 'latin1');
    request.write(createHmac('sha256', key).update(request.subarray(head.length)).digest('hex'), signatureAt, 'latin1');
    return request;
  };
}
