import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export const WHATSAPP_PATH = '/api/whatsapp/webhook';

export interface Sent {
  body: string;
  /** Undefined where the connection was refused or lost: the sender learned nothing. */
  status: number | undefined;
  receiptId: string | undefined;
}

export interface Sender {
  /** Posts as WhatsApp does, over kept connections; never rejects. */
  post: (origin: string, body: string, secret: string) => Promise<Sent>;
  close: () => void;
}

export function openSender(connections: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    post(origin: string, body: string, secret: string): Promise<Sent> {
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      const headers = { 'x-hub-signature-256': `sha256=${signature}`, 'content-length': Buffer.byteLength(body) };
      return new Promise((resolve) => {
        const sending = request(origin + WHATSAPP_PATH, { method: 'POST', agent, headers }, (response) => {
          response.resume();
          const receiptId = response.headers['x-receipt-id'];
          response.on('end', () => resolve({ body, status: response.statusCode, receiptId: receiptId?.toString() }));
        });
        sending.on('error', () => resolve({ body, status: undefined, receiptId: undefined }));
        sending.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

/** Calls `send` so often a second, whatever the answers take, until `signal` aborts; resolves with all answers. */
export async function sendAtRate(
  perSecond: number,
  signal: AbortSignal,
  send: (n: number) => Promise<Sent>,
): Promise<Sent[]> {
  const sent: Promise<Sent>[] = [];
  const startedAt = performance.now();
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
    while (sent.length < due) sent.push(send(sent.length));
    await sleep(5);
  }
  return Promise.all(sent);
}
