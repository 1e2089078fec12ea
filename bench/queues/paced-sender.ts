import { createSecretKey } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDeliveries } from '../delivery.ts';
import { PATH } from './contestants.ts';

const ANSWER_LIMIT_MS = 5_000;

export interface SentMessages {
  /** When each message that was answered 200 was sent, in milliseconds since 1970. */
  acknowledged: Map<string, number>;
  /** Messages that were answered otherwise, or not at all. */
  refused: number;
}

/** Sends messages at fixed times, whether or not earlier ones have been answered, and writes down those that got a 200. */
export async function sendPaced(
  port: number,
  { secret, perSecond, seconds }: { secret: string; perSecond: number; seconds: number },
): Promise<SentMessages> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const next = openDeliveries(createSecretKey(secret, 'utf8'), { path: PATH, host: `127.0.0.1:${port}` });
  const sent: SentMessages = { acknowledged: new Map(), refused: 0 };
  const startedAt = Date.now();
  const sends: Promise<void>[] = [];
  for (let count = 0; count < perSecond * seconds; count += 1) {
    const dueAt = startedAt + (count * 1_000) / perSecond;
    if (dueAt > Date.now()) await sleep(dueAt - Date.now());
    const { key, headers, body } = partsOf(next());
    const send = async (): Promise<void> => {
      const status = await post({ port, agent, headers, body });
      if (status === 200) sent.acknowledged.set(key, dueAt);
      else sent.refused += 1;
    };
    sends.push(send());
  }
  await Promise.all(sends);
  agent.destroy();
  return sent;
}

function partsOf(bytes: Buffer): { key: string; headers: Record<string, string>; body: Buffer } {
  const headEnd = bytes.indexOf('\r\n\r\n');
  const [, ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => line.split(': ', 2) as [string, string]));
  const body = bytes.subarray(headEnd + 4);
  const [key = ''] = /wamid\.\w+/.exec(body.toString('latin1')) ?? [];
  return { key, headers, body };
}

function post(message: {
  port: number;
  agent: Agent;
  headers: Record<string, string>;
  body: Buffer;
}): Promise<number | undefined> {
  const { port, agent, headers, body } = message;
  return new Promise((resolve) => {
    const sending = request(
      { host: '127.0.0.1', port, path: PATH, method: 'POST', agent, headers, timeout: ANSWER_LIMIT_MS },
      (response) => {
        response.on('error', () => undefined);
        response.resume();
        resolve(response.statusCode);
      },
    );
    sending.on('timeout', () => sending.destroy(new Error('no answer')));
    sending.on('error', () => resolve(undefined));
    sending.end(body);
  });
}
