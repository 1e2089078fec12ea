import type { PoolClient } from '#database/pool.ts';
import type { Json, JsonObject } from '#webhooks/event.ts';

/** An event as handlers get it: normalised, with the sender's own words in `raw`. */
export interface StoredEvent {
  id: string;
  source: string;
  /** Unique within the source, the sender's own id where it has one. */
  key: string;
  type: string;
  /** By the sender's clock, where the sender tells it. */
  occurredAt: Date | undefined;
  createdAt: Date;
  subjects: readonly string[];
  data: JsonObject;
  raw: Json;
  /** Null for what came in no webhook, such as the verdict on an upload. */
  receiptId: string | null;
  correlationId: string;
  /** W3C Trace Context of what is being done for it, where traces are made: to be passed on. */
  traceparent?: string | null;
  /** 0, and one more for each time an operator has it handled again. */
  replay: number;
}

interface HandlerBase {
  /** Stable for ever: it is part of what marks the work as done. At most 64 characters. */
  name: string;
  wants(type: string): boolean;
}

/** Work inside our database: it happens exactly once, in the transaction that marks it as done. */
export interface ApplyingHandler extends HandlerBase {
  apply(client: PoolClient, event: StoredEvent): Promise<void>;
}

/**
 * Work outside: it happens at least once. `event.id` and `event.replay` together are the key by which the other side
 * recognises a repetition. A Failure that no retry can help ends the event as dead; one of the kind `free` spends no attempt.
 */
export interface CallingHandler extends HandlerBase {
  call(event: StoredEvent, signal: AbortSignal): Promise<void>;
}

export type EventHandler = ApplyingHandler | CallingHandler;

/** Where an application plugs in code of its own: one entry a handler; see apps/worker/handlers.ts. */
export function wantsEvent(handlers: readonly EventHandler[], type: string): boolean {
  return handlers.some((handler) => handler.wants(type));
}
