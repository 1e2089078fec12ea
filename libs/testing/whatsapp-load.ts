import { createHmac } from 'node:crypto';

export const WHATSAPP_TEST_SECRET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';

/** A WhatsApp message with this id, in Meta's shape. */
export function messageBody(id: string): string {
  const message = { id, from: '4917012345678', timestamp: '1700000000', type: 'text', text: { body: 'hello' } };
  const value = { messaging_product: 'whatsapp', metadata: { phone_number_id: '1' }, messages: [message] };
  const entry = [{ id: '1', changes: [{ field: 'messages', value }] }];
  return JSON.stringify({ object: 'whatsapp_business_account', entry });
}

/** Sends one signed message; resolves with the status, or undefined if there was no answer. */
export async function sendMessage(origin: string, id: string): Promise<number | undefined> {
  const body = messageBody(id);
  const signature = createHmac('sha256', WHATSAPP_TEST_SECRET).update(body).digest('hex');
  try {
    const response = await fetch(`${origin}/api/whatsapp/webhook`, {
      method: 'POST',
      body,
      headers: { 'x-hub-signature-256': `sha256=${signature}` },
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}

/** Sends `wamid.<prefix>.<n>` for each n over some connections; resolves with the ids that got a 200. */
export async function sendMessages(
  origin: string,
  prefix: string,
  count: number,
  connections: number,
): Promise<string[]> {
  const acknowledged: string[] = [];
  let next = 0;
  const send = async (): Promise<void> => {
    while (next < count) {
      const id = `wamid.${prefix}.${next}`;
      next += 1;
      if ((await sendMessage(origin, id)) === 200) acknowledged.push(id);
    }
  };
  await Promise.all(Array.from({ length: connections }, send));
  return acknowledged;
}
