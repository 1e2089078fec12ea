import { gzipSync } from 'node:zlib';
import { whatsappBatch, whatsappMessage, whatsappStatus } from '#webhooks/providers/whatsapp-samples.ts';
import { exchange, exchangeHttp10, type Answer, type Exchange } from './exchange.ts';
import type { Sender, Step } from './sender.ts';
import { UsageError } from './usage-error.ts';

type Scenario = (sender: Sender) => Promise<Step[]>;

const BOMB_BYTES = 50 * 1024 * 1024;
const SLOW_PAUSE_MS = 500;

function stepOf(what: string, expected: number, answer: Answer, fault?: string): Step {
  const id = answer.headers['x-receipt-id'];
  const ok = answer.status === expected && fault === undefined;
  const outcome = answer.status === expected ? (fault ?? String(expected)) : `${answer.status} instead of ${expected}`;
  return { what, ok, outcome, ms: answer.ms, receiptId: typeof id === 'string' ? id : undefined };
}

async function expectStatus(what: string, expected: number, request: Exchange): Promise<Step> {
  const answer = await exchange(request);
  const needsReceipt = expected === 200 && answer.status === 200 && answer.headers['x-receipt-id'] === undefined;
  return stepOf(what, expected, answer, needsReceipt ? 'without x-receipt-id' : undefined);
}

const sendOne: Scenario = async (sender) => [await expectStatus('a signed request', 200, sender.signed(sender.next()))];

const sendDuplicate: Scenario = async (sender) => {
  const request = sender.signed(sender.next());
  const first = await exchange(request);
  const second = await exchange(request);
  const isCopy =
    second.headers['x-receipt-verdict'] === 'duplicate' &&
    second.headers['x-receipt-id'] === first.headers['x-receipt-id'];
  return [
    stepOf('a signed request', 200, first),
    stepOf('the same again', 200, second, isCopy ? undefined : 'not answered as a duplicate with the first receipt'),
  ];
};

const sendWrongKey: Scenario = async (sender) => [
  await expectStatus('signed with a key of somebody else', 403, sender.signed(sender.next(), sender.foreignKey())),
];

const sendRotatedKeys: Scenario = async (sender) => {
  const { keys } = sender.target;
  if (keys.length < 2) throw new UsageError('--rotated-key needs a source with several secrets, or --secret new,old');
  const steps: Step[] = [];
  for (const [index, key] of keys.entries()) {
    const what = `signed with active secret ${index + 1} of ${keys.length}`;
    steps.push(await expectStatus(what, 200, sender.signed(sender.next(), key)));
  }
  return steps;
};

const sendGzipBomb: Scenario = async (sender) => {
  const body = gzipSync(Buffer.alloc(BOMB_BYTES, ' '));
  const request = sender.signed({ body, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } });
  return [await expectStatus(`${Math.round(body.length / 1024)} kB of gzip that would be 50 MB`, 415, request)];
};

const sendSlowly: Scenario = async (sender) => {
  const request = { ...sender.signed(sender.next()), pauseMs: SLOW_PAUSE_MS };
  return [await expectStatus('a byte every half second', 408, request)];
};

const sendHttp10: Scenario = async (sender) => {
  const answer = await exchangeHttp10(sender.signed(sender.next()));
  const isChunked = answer.headers['transfer-encoding'] !== undefined;
  const steps = [stepOf('HTTP/1.0, as WooCommerce speaks it', 200, answer, isChunked ? 'chunked' : undefined)];
  if (sender.target.source.provider !== 'woocommerce') return steps;
  const ping = { url: sender.target.url, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  const pong = await exchangeHttp10({ ...ping, body: Buffer.from('webhook_id=7') });
  return [...steps, stepOf('the unsigned ping of a new webhook', 200, pong)];
};

const sendOutOfOrder: Scenario = async (sender) => {
  if (sender.target.source.provider !== 'whatsapp') {
    const [earlier, later] = [sender.next(), sender.next()];
    return [
      await expectStatus('the later one first', 200, sender.signed(later)),
      await expectStatus('then the earlier one', 200, sender.signed(earlier)),
    ];
  }
  const n = Date.now();
  const steps: Step[] = [];
  for (const [age, status] of ['read', 'sent', 'delivered'].entries()) {
    const body = whatsappBatch([], [whatsappStatus(n, status, n - age * 1_000)]);
    const request = sender.signed({ body, headers: { 'content-type': 'application/json' } });
    steps.push(await expectStatus(`status ${status}`, 200, request));
  }
  return steps;
};

/** The scenarios that have a flag of their own. */
export const scenarios = {
  duplicate: sendDuplicate,
  'out-of-order': sendOutOfOrder,
  'wrong-key': sendWrongKey,
  'rotated-key': sendRotatedKeys,
  'gzip-bomb': sendGzipBomb,
  slow: sendSlowly,
  http10: sendHttp10,
} satisfies Record<string, Scenario>;

export { sendOne };

/** One request with so many updates in it, as only WhatsApp sends them. */
export async function sendBatch(sender: Sender, size: number): Promise<Step[]> {
  if (sender.target.source.provider !== 'whatsapp')
    throw new UsageError('--batch is for whatsapp: no other sends batches');
  const n = Date.now() * 1_000;
  const messages = Array.from({ length: size }, (_, index) => whatsappMessage(n + index, n / 1_000));
  const sample = { body: whatsappBatch(messages), headers: { 'content-type': 'application/json' } };
  return [await expectStatus(`${size} updates in one request`, 200, sender.signed(sample))];
}
