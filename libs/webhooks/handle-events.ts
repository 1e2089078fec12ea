import { databaseFailure, inTransaction, isDatabaseUnavailable, type Pool, type PoolClient } from '#database/pool.ts';
import { correlate } from '#runtime/correlation.ts';
import { isFailure } from '#runtime/failure.ts';
import { claimEvents, renewEvents, type ClaimedEvent } from '#webhooks/claim-events.ts';
import type { ApplyingHandler, EventHandler, StoredEvent } from '#webhooks/handler.ts';
import { settleEvents, type EventOutcome, type SettledEvent } from '#webhooks/settle-events.ts';

/** Events of one job that are in the handlers' hands at once. */
const CONCURRENT_EVENTS = 16;
const DEFAULT_WAIT_SECONDS = 10;
/** What a handler may still need once the signal is aborted: less than a worker that stops has left then. */
const GIVE_UP_MS = 800;
/** A handler that has had an event for so long when it is given up is at fault; before, it was only interrupted. */
const HANDLER_LIMIT_MS = 20_000;

export interface EventWork {
  handled: number;
  /** Events that are dead now. */
  dead: string[];
}

/**
 * Hands events to the handlers that want them, and writes down how each ended; one that fails holds back no other. Soon
 * after `signal` is aborted what has not ended is given up: it is open for others at once, and counts as failed if its
 * handlers have had it for long.
 * @throws Failure `database-unavailable`
 */
export async function handleEvents(
  pool: Pool,
  handlers: readonly EventHandler[],
  ids: readonly string[],
  signal: AbortSignal,
  { handlerLimitMs = HANDLER_LIMIT_MS }: { handlerLimitMs?: number } = {},
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
      const settled = await handleClaimed(pool, handlers, claim.events, { signal, handlerLimitMs });
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
  { signal, handlerLimitMs }: { signal: AbortSignal; handlerLimitMs: number },
): Promise<SettledEvent[]> {
  const inHand = claimed.map((event): InHand => ({ event, applied: [], sinceMs: undefined, outcome: undefined }));
  const waiting = inHand.values();
  const givenUp = new AbortController();
  const runner = async (): Promise<void> => {
    for (const each of waiting) {
      if (signal.aborted) return;
      each.sinceMs = performance.now();
      each.outcome = await handleEvent(pool, handlers, each, { signal, givenUp: givenUp.signal });
    }
  };
  const endRenewal = renewEvents(pool, claimed);
  try {
    const runners = Array.from({ length: Math.min(CONCURRENT_EVENTS, claimed.length) }, runner);
    await untilGivenUp(Promise.all(runners), signal);
  } finally {
    givenUp.abort();
    // A renewal after the end would push out the next try of what has failed.
    await endRenewal();
  }
  return inHand.map(({ event: { id, replay }, applied, sinceMs, outcome }) => {
    const isLate = sinceMs !== undefined && performance.now() - sinceMs >= handlerLimitMs;
    return { id, replay, applied, outcome: outcome ?? (isLate ? LATE : INTERRUPTED) };
  });
}

/** One claimed event on its way through the handlers. */
interface InHand {
  event: ClaimedEvent;
  /** Handlers whose work outside was done in this run. */
  applied: string[];
  sinceMs: number | undefined;
  outcome: EventOutcome | undefined;
}

const LATE: EventOutcome = { end: 'failed', reason: 'its handler did not end in time' };
const INTERRUPTED: EventOutcome = { end: 'later', waitSeconds: 0 };

/** Settles like `work`, or resolves some time after `signal` was aborted. */
async function untilGivenUp(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const late = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(late.resolve, GIVE_UP_MS);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

interface HandlingSignals {
  /** For the handlers. */
  signal: AbortSignal;
  /** When nobody waits for the outcome any more. */
  givenUp: AbortSignal;
}

async function handleEvent(
  pool: Pool,
  handlers: readonly EventHandler[],
  { event, applied }: InHand,
  { signal, givenUp }: HandlingSignals,
): Promise<EventOutcome> {
  const outcomes: EventOutcome[] = [];
  const due = handlers.filter((handler) => handler.wants(event.type) && !event.applied.includes(handler.name));
  await correlate(event.correlationId, async () => {
    for (const handler of due) {
      if (givenUp.aborted) return;
      try {
        if ('apply' in handler) await applyOnce(pool, handler, event, givenUp);
        else {
          await handler.call(event, signal);
          applied.push(handler.name);
        }
      } catch (error) {
        outcomes.push(outcomeOf(handler, error));
      }
    }
  });
  return worstOf(outcomes);
}

/** The mark and the work commit together; who finds the mark does nothing. */
async function applyOnce(
  pool: Pool,
  handler: ApplyingHandler,
  event: StoredEvent,
  givenUp: AbortSignal,
): Promise<void> {
  const apply = async (client: PoolClient): Promise<void> => {
    const { rowCount } = await client.query({
      name: 'effect-insert',
      text: 'insert into webhook_effect (event_id, handler, replay) values ($1, $2, $3) on conflict do nothing',
      values: [event.id, handler.name, event.replay],
    });
    if (rowCount === 1) await handler.apply(client, event);
  };
  await inTransaction(pool, apply, givenUp);
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
