import { Agent, request } from 'undici';
import { ACKNOWLEDGED, POISONED, REFUSED, UNANSWERED, type Ledger } from '#testing/chaos/ledger.ts';
import { openLoad } from '#testing/chaos/load.ts';
import { deliveryOf, keyOf, POISON, type Delivery } from '#testing/chaos/message.ts';
import type { Random } from '#testing/chaos/random.ts';

/** Sends webhooks as their senders do: at a rate that no answer slows down, and again where there was no answer. */
export interface WebhookSenders {
  /** Sends the same webhook so many times at once; all answers must name one receipt. */
  burst(count: number): Promise<void>;
  /** Sends so many different ones as fast as they are taken. */
  flood(count: number): Promise<void>;
  /** Sends one that its handler can't do. */
  poison(kind: keyof typeof POISON): Promise<void>;
  /** Stops sending new ones. */
  stop(): void;
  /** Resolves when each that was sent has its answer, or with how many have none after `limitMs`. */
  settle(limitMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface WebhookSendersOptions {
  seed: number;
  random: Random;
  origins: readonly string[];
  perSecond: number;
  ledger: Ledger;
}

interface Answer {
  status: number | undefined;
  receiptId: string | undefined;
  retryAfter: string | undefined;
  ms: number;
}

const LEAST_UNDER_WAY = 2_000;
/** An outage of so long, and nothing is left out. */
const SECONDS_UNDER_WAY = 8;
const ANSWER_LIMIT_MS = 10_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 4_000;
const FLOOD_CHUNK = 500;
const KEPT_LATENCIES = 100_000;
const REMEMBERED = 1_000;
const SHARE = { forged: 0.05, copied: 0.1, spooled: 0.2 } as const;

export function openWebhookSenders(options: WebhookSendersOptions): WebhookSenders {
  const { seed, random, origins, perSecond, ledger } = options;
  const agent = new Agent({
    connections: 64,
    pipelining: 1,
    headersTimeout: ANSWER_LIMIT_MS,
    bodyTimeout: ANSWER_LIMIT_MS,
  });
  const load = openLoad();
  const remembered: { delivery: Delivery; receiptId: string | undefined }[] = [];
  const maxUnderWay = Math.max(LEAST_UNDER_WAY, perSecond * SECONDS_UNDER_WAY);

  const address = (): string => `198.18.${random.below(256)}.${random.below(256)}`;

  async function post(delivery: Delivery): Promise<Answer> {
    const startedAt = performance.now();
    try {
      const answer = await request(random.pick(origins) + delivery.path, {
        dispatcher: agent,
        method: 'POST',
        body: delivery.body,
        headers: { ...delivery.headers, 'content-type': 'application/json', 'x-forwarded-for': address() },
      });
      await answer.body.dump();
      const ms = performance.now() - startedAt;
      const { 'x-receipt-id': receiptId, 'retry-after': retryAfter } = answer.headers;
      return { status: answer.statusCode, receiptId: receiptId?.toString(), retryAfter: retryAfter?.toString(), ms };
    } catch {
      return { status: undefined, receiptId: undefined, retryAfter: undefined, ms: performance.now() - startedAt };
    }
  }

  function note(what: string, { status, retryAfter, ms }: Answer): void {
    ledger.count(`${what} ${status ?? 'no answer'}`);
    if (status !== 503) return;
    ledger.slowest503Ms = Math.max(ledger.slowest503Ms, ms);
    if (retryAfter === undefined) ledger.violate('a 503 without Retry-After');
  }

  /** Sends until there is an answer that says yes or no. @returns the receipt's id after a yes */
  async function deliver(n: number, delivery: Delivery, standing: number): Promise<string | undefined> {
    let receipt: string | undefined;
    await load.insist(
      (tries) => Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1)),
      async () => {
        const answer = await post(delivery);
        const { status, receiptId, ms } = answer;
        note('webhook', answer);
        if (status === undefined || status === 503 || status === 429) return false;
        if (status >= 300) {
          ledger.violate(`webhook ${n} was answered ${status}`);
          return true;
        }
        ledger.standing[n] = standing;
        if (standing === ACKNOWLEDGED) ledger.acknowledged += 1;
        ledger.ackMs.push(ms);
        if (ledger.ackMs.length > KEPT_LATENCIES) ledger.ackMs.splice(0, KEPT_LATENCIES / 2);
        receipt = receiptId;
        return true;
      },
    );
    return receipt;
  }

  async function forge(n: number, delivery: Delivery): Promise<void> {
    const answer = await post(delivery);
    note('forged', answer);
    ledger.standing[n] = REFUSED;
    const { status } = answer;
    if (status !== undefined && status !== 401 && status !== 403 && status !== 503 && status !== 429) {
      ledger.violate(`forged webhook ${n} was answered ${status}`);
    }
  }

  async function copy({ delivery, receiptId }: (typeof remembered)[number]): Promise<void> {
    const answer = await post(delivery);
    note('copy', answer);
    ledger.copies += 1;
    const isYes = answer.status !== undefined && answer.status < 300;
    if (isYes && receiptId !== undefined && answer.receiptId !== receiptId) {
      ledger.violate(`a copy got receipt ${answer.receiptId} instead of ${receiptId}`);
    }
  }

  function next(): { n: number; key: string } {
    const n = ledger.sent;
    ledger.sent += 1;
    ledger.standing[n] = UNANSWERED;
    return { n, key: keyOf(seed, n) };
  }

  function sendOne(): void {
    if (load.underWay >= maxUnderWay) {
      ledger.skipped += 1;
      return;
    }
    if (random.happens(SHARE.copied) && remembered.length > 0) {
      load.track(copy(random.pick(remembered)));
      return;
    }
    const { n, key } = next();
    const sender = random.happens(SHARE.spooled) ? 'wooalerts' : 'whatsapp';
    if (random.happens(SHARE.forged)) load.track(forge(n, deliveryOf(sender, key, true)));
    else load.track(keep(n, deliveryOf(sender, key)));
  }

  async function keep(n: number, delivery: Delivery): Promise<void> {
    const receiptId = await deliver(n, delivery, ACKNOWLEDGED);
    if (ledger.standing[n] !== ACKNOWLEDGED) return;
    // What was spooled and not yet stored may be named by its first copy's id.
    const isSpooled = delivery.path.includes('wooalerts');
    const kept = { delivery, receiptId: isSpooled ? undefined : receiptId };
    if (remembered.length < REMEMBERED) remembered.push(kept);
    else remembered[n % REMEMBERED] = kept;
  }

  load.arrive(perSecond, sendOne);

  return {
    async burst(count) {
      const { n, key } = next();
      const delivery = deliveryOf('whatsapp', key);
      const ids = await Promise.all(Array.from({ length: count }, () => deliver(n, delivery, ACKNOWLEDGED)));
      ledger.acknowledged -= ids.filter((id) => id !== undefined).length - 1;
      const distinct = new Set(ids.filter((id) => id !== undefined));
      if (distinct.size > 1) ledger.violate(`${count} copies at once got ${distinct.size} receipts`);
    },
    async flood(count) {
      for (let left = count; left > 0; left -= FLOOD_CHUNK) {
        await Promise.all(
          Array.from({ length: Math.min(left, FLOOD_CHUNK) }, () => {
            const { n, key } = next();
            return keep(n, deliveryOf('whatsapp', key));
          }),
        );
      }
    },
    async poison(kind) {
      const { n, key } = next();
      await deliver(n, deliveryOf('whatsapp', `${key}.${POISON[kind]}`), POISONED);
    },
    stop: () => load.stop(),
    async settle(limitMs) {
      await load.settle(limitMs);
      return ledger.standing.filter((standing) => standing === UNANSWERED).length;
    },
    async close() {
      const closing = load.close();
      await agent.destroy();
      await closing;
    },
  };
}
