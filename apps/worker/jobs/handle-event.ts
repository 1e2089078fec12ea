import type { Pool } from '#database/pool.ts';
import { consume } from '#queue/consumer.ts';
import type { Producer } from '#queue/producer.ts';
import { Failure } from '#runtime/failure.ts';
import { deadEventReason } from '#webhooks/dead-event.ts';
import { events } from '#webhooks/event-queue.ts';
import { handleEvents } from '#webhooks/handle-events.ts';
import type { EventHandler } from '#webhooks/handler.ts';

export interface HandleEventParts {
  pool: Pool;
  producer: Producer;
  handlers: readonly EventHandler[];
}

/** Hands events to the handlers. An event that is dead gets a job of its own, which fails for good, so that ops see it. */
export function handleEvent({ pool, producer, handlers }: HandleEventParts) {
  return consume(events, async ({ eventIds }, signal) => {
    const { handled, dead } = await handleEvents(pool, handlers, eventIds, signal);
    const [only] = eventIds;
    if (eventIds.length === 1 && only !== undefined && (handled === 0 || dead.length > 0)) {
      return failIfDead(pool, only);
    }
    await producer.ringMany(
      events,
      dead.map((id) => ({ eventIds: [id] })),
    );
  });
}

async function failIfDead(pool: Pool, eventId: string): Promise<void> {
  const reason = await deadEventReason(pool, eventId);
  if (reason !== undefined) throw new Failure('event-dead', { detail: `event ${eventId}: ${reason}` });
}
