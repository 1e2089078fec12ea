import type { Queryable } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import { startTicker } from '#runtime/ticker.ts';
import type { RecordEvents, SecurityEvent } from '#audit/record.ts';

/** An event of which there may be thousands a second. */
export type CountedEvent = Omit<SecurityEvent, 'id' | 'count' | 'occurredAt'>;

export interface CoalescerOptions {
  client: Queryable;
  record: RecordEvents;
  /** Told of what could not be written: it is tried again, except when closing. */
  onError: (error: unknown) => void;
  /** Of different events between two writes. Past it they are told apart by less, and none is left out. */
  maxKeys?: number;
  now?: () => number;
}

/** Counts equal events of one minute into one row each. */
export interface Coalescer {
  /** Never waits and never throws. */
  add(event: CountedEvent): void;
  /** Rows that are not written yet. */
  readonly pending: number;
  /** Writes the minutes that are over. @throws what `record` does; nothing is lost then. */
  flush(): Promise<void>;
  /** Writes everything. */
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;
const FLUSH_MS = 1_000;
const MAX_KEYS = 512;
const ROWS_PER_WRITE = 500;

interface Entry {
  id: string;
  event: CountedEvent;
  count: number;
  firstMs: number;
  lastMs: number;
}

export function openCoalescer(options: CoalescerOptions): Coalescer {
  const { client, record, onError, maxKeys = MAX_KEYS, now = Date.now } = options;
  let counting = new Map<string, Entry>();
  /** Counted to the end, and not written yet: their ids let a write be repeated whose answer was lost. */
  let counted: Entry[] = [];

  /** The event, or one that tells less of it where there are too many different ones already. */
  function slotOf(event: CountedEvent, minute: number): { key: string; event: CountedEvent } {
    const whole = { key: keyOf(event, minute), event };
    if (counting.has(whole.key) || counting.size < maxKeys) return whole;
    const placeless: CountedEvent = { ...event };
    delete placeless.addressPrefix;
    delete placeless.targetId;
    const coarse = { key: keyOf(placeless, minute), event: placeless };
    if (counting.has(coarse.key) || counting.size < 2 * maxKeys) return coarse;
    const { type, actorKind } = event;
    return { key: keyOf({ type, actorKind }, 0), event: { type, actorKind } };
  }

  function takeCounted(untilMinute: number): void {
    const open = new Map<string, Entry>();
    for (const [key, entry] of counting) {
      if (Math.floor(entry.lastMs / MINUTE_MS) < untilMinute) counted.push(entry);
      else open.set(key, entry);
    }
    counting = open;
  }

  async function write(): Promise<void> {
    while (counted.length > 0) {
      const batch = counted.slice(0, ROWS_PER_WRITE);
      await record(
        client,
        batch.map((entry) => eventOf(entry)),
      );
      counted = counted.slice(batch.length);
    }
  }

  async function flush(): Promise<void> {
    // While these wait for the database, no others join them: so together they stay bounded.
    if (counted.length === 0) takeCounted(Math.floor(now() / MINUTE_MS));
    await write();
  }

  const ticker = startTicker(FLUSH_MS, flush, onError);
  return {
    add(event) {
      const atMs = now();
      const slot = slotOf(event, Math.floor(atMs / MINUTE_MS));
      const entry = counting.get(slot.key);
      if (entry === undefined) {
        counting.set(slot.key, { id: newId(), event: slot.event, count: 1, firstMs: atMs, lastMs: atMs });
        return;
      }
      entry.count += 1;
      entry.lastMs = atMs;
    },
    get pending() {
      return counting.size + counted.length;
    },
    flush,
    async close() {
      await ticker.close();
      takeCounted(Number.POSITIVE_INFINITY);
      await write().catch(onError);
    },
  };
}

function keyOf(event: CountedEvent, minute: number): string {
  const { type, actorId, actorKind, targetKind, targetId, addressPrefix, source, details = {} } = event;
  return JSON.stringify([minute, type, actorKind, actorId, targetKind, targetId, addressPrefix, source, details]);
}

function eventOf({ id, event, count, firstMs, lastMs }: Entry): SecurityEvent {
  const details = { ...event.details, lastAt: new Date(lastMs).toISOString() };
  return { ...event, id, count, occurredAt: new Date(firstMs), details };
}
