import type { Pool } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { Outbound } from '#runtime/outbound.ts';
import { followOutside } from '#audit/follow.ts';
import type { SealedEvent } from '#audit/read-sealed.ts';

const MAX_EVENTS = 200;
const CALL_LIMIT_MS = 15_000;

/** The signature headers of a message. */
export type SignMessage = (message: { id: string; nowMs: number; body: Buffer }) => Record<string, string>;

export interface ForwardOptions {
  /** Of the cursor: one a receiver. */
  name: string;
  url: string;
  sign: SignMessage;
  outbound: Outbound;
  /** Which events the receiver wants; all by default. */
  wants?: (type: string) => boolean;
  now?: () => number;
}

/**
 * Posts the next sealed events to a receiver, signed. The cursor moves only after a 2xx: every event arrives at least once
 * and in order, and the receiver knows a repetition by `position` or `id`.
 * @returns how many events it went past.
 * @throws Failure `forward-unavailable` or `forward-refused`; it is tried again after a pause.
 */
export async function forwardEvents(pool: Pool, options: ForwardOptions, signal: AbortSignal): Promise<number> {
  const { wants = () => true } = options;
  return followOutside(pool, options.name, MAX_EVENTS, async (events) => {
    const wanted = events.filter(({ event }) => event === undefined || wants(event.type));
    if (wanted.length > 0) await post(options, wanted, signal);
  });
}

async function post(options: ForwardOptions, events: readonly SealedEvent[], signal: AbortSignal): Promise<void> {
  const { url, sign, outbound, now = Date.now } = options;
  const [first, last] = [events[0]?.position, events.at(-1)?.position];
  const timestamp = new Date(now()).toISOString();
  const body = Buffer.from(JSON.stringify({ type: 'security-events', timestamp, data: { events } }));
  const headers = {
    ...sign({ id: `audit_${options.name}_${first}_${last}`, nowMs: now(), body }),
    'content-type': 'application/json',
    'user-agent': 'portcullis',
  };
  let status: number;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]);
    ({ status } = await outbound.post(url, headers, body, limit));
  } catch (error) {
    throw new Failure('forward-unavailable', { cause: error });
  }
  if (status < 200 || status >= 300) throw new Failure('forward-refused', { detail: `answered ${status}` });
}
