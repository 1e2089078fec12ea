import type { PoolClient } from '#database/pool.ts';
import { newId } from '#runtime/id.ts';
import type { EventDraft } from '#webhooks/event.ts';
import { insertEvents } from '#webhooks/insert-events.ts';

/** The source of verdicts on uploads. No sender can have its name. */
export const ownSource = 'uploads';

export interface OwnEvent extends EventDraft {
  correlationId: string;
  /** W3C Trace Context of the request that it came of, where traces are made. */
  traceparent: string | null;
}

/**
 * Gives the handlers something that happened here, in the transaction in which it happens: from then on it is as durable
 * as what came in a webhook. What no handler wants is not kept. @returns the ids of the events that wait for handlers.
 */
export async function insertOwnEvents(
  client: PoolClient,
  drafts: readonly OwnEvent[],
  wants: (type: string) => boolean,
): Promise<string[]> {
  const wanted = drafts
    .filter(({ type }) => wants(type))
    .map(({ correlationId, traceparent, ...event }) => ({
      id: newId(),
      receipt: { id: null, source: ownSource, correlation_id: correlationId, traceparent },
      event,
    }));
  return wanted.length === 0 ? [] : insertEvents(client, wanted, wants);
}
