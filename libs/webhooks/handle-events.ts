import { databaseFailure, inTransaction, isDatabaseUnavailable, type Pool } from '#database/pool.ts';
import { correlate } from '#runtime/correlation.ts';
import { isFailure } from '#runtime/failure.ts';
import { claimEvents, renewEvents, type ClaimedEvent } from '#webhooks/claim-events.ts';
import type { ApplyingHandler, EventHandler, StoredEvent } from '#webhooks/handler.ts';
import { settleEvents, type EventOutcome, type SettledEvent } from '#webhooks/settle-events.ts';

/** Events of one job that are in the handlers' hands at once. */
const CONCURRENT_EVENTS = 16;
const DEFAULT_WAIT_SECONDS = 10;

export interface EventWork {
  handled: number;
  /** Events that are dead now. */
  dead: string[];
}

/**
 * Hands events to the handlers that want them, and writes down how each ended; one that fails holds back no other.
 * @throws Failure `database-unavailable`
 */
export async function handleEvents(
  pool: Pool,
  handlers: readonly EventHandler[],
  ids: readonly string[],
  signal: AbortSignal,
): Promise<EventWork> {
  try {
    let handled = 0;
    const dead: string[] = [];
    const tried = new Set<string>();
    let more = true;
    while (more && !signal.aborted) {
      const claim = await claimEvents(
        pool,
        ids.filter((id) => !tried.has(id)),
      );
      for (const { id } of claim.events) tried.add(id);
      const settled = await handleClaimed(pool, handlers, claim.events, signal);
      dead.push(...claim.dead, ...(await settleEvents(pool, settled)));
      handled += settled.length;
      more = claim.more;
    }
    return { handled, dead };
  } catch (error) {
    throw databaseFailure(error);
  }
}

async function handleClaimed(
  pool: Pool,
  handlers: readonly EventHandler[],
  claimed: readonly ClaimedEvent[],
  signal: AbortSignal,
): Promise<SettledEvent[]> {
  const settled: SettledEvent[] = [];
  const waiting = claimed.values();
  const runner = async (): Promise<void> => {
    for (const event of waiting) settled.push(await handleEvent(pool, handlers, event, signal));
  };
  const endRenewal = renewEvents(pool, claimed);
  try {
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_EVENTS, claimed.length) }, runner));
  } finally {
    // A renewal after the end would push out the next try of what has failed.
    await endRenewal();
  }
  return settled;
}

async function handleEvent(
  pool: Pool,
  handlers: readonly EventHandler[],
  event: ClaimedEvent,
  signal: AbortSignal,
): Promise<SettledEvent> {
  const applied: string[] = [];
  const outcomes: EventOutcome[] = [];
  const due = handlers.filter((handler) => handler.wants(event.type) && !event.applied.includes(handler.name));
  await correlate(event.correlationId, async () => {
    for (const handler of due) {
      try {
        if ('apply' in handler) await applyOnce(pool, handler, event);
        else {
          await handler.call(event, signal);
          applied.push(handler.name);
        }
      } catch (error) {
        outcomes.push(outcomeOf(handler, error));
      }
    }
  });
  return { id: event.id, replay: event.replay, applied, outcome: worstOf(outcomes) };
}

/** The mark and the work commit together; who finds the mark does nothing. */
async function applyOnce(pool: Pool, handler: ApplyingHandler, event: StoredEvent): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query({
      name: 'effect-insert',
      text: 'insert into webhook_effect (event_id, handler, replay) values ($1, $2, $3) on conflict do nothing',
      values: [event.id, handler.name, event.replay],
    });
    if (rowCount === 1) await handler.apply(client, event);
  });
}

function outcomeOf(handler: EventHandler, error: unknown): EventOutcome {
  const message = error instanceof Error ? error.message : String(error);
  const reason = `${handler.name}: ${message}`;
  if (isDatabaseUnavailable(error)) return { end: 'later', waitSeconds: DEFAULT_WAIT_SECONDS };
  if (!isFailure(error)) return { end: 'failed', reason };
  if (error.retry === 'never') return { end: 'dead', reason };
  if (error.retry === 'counted') return { end: 'failed', reason };
  return { end: 'later', waitSeconds: error.retryAfterSeconds ?? DEFAULT_WAIT_SECONDS };
}

const SEVERITY: Record<EventOutcome['end'], number> = { done: 0, dead: 1, failed: 2, later: 3 };

/** While one handler may still succeed, the event stays open; only then does a dead one end it. */
function worstOf(outcomes: readonly EventOutcome[]): EventOutcome {
  return outcomes.reduce<EventOutcome>((worst, each) => (SEVERITY[each.end] > SEVERITY[worst.end] ? each : worst), {
    end: 'done',
  });
}
