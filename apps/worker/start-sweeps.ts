import { catalogue } from '#catalogue.ts';
import type { QueueConnection } from '#queue/connection.ts';
import { declareSchedules } from '#queue/schedules.ts';
import { startTicker } from '#runtime/ticker.ts';
import { sweepOverdue, type SweepParts } from './jobs/sweep.ts';

const CHECK_MS = 60_000;

export interface StartSweepsParts {
  parts: SweepParts;
  ringing: QueueConnection;
  stack: AsyncDisposableStack;
}

/** Declares the schedules of all queues, and runs sweeps that are overdue: a schedule can be lost with its queue. */
export function startSweeps({ parts, ringing, stack }: StartSweepsParts): void {
  const { log } = parts;
  declareSchedules(ringing, Object.values(catalogue)).catch((error: unknown) =>
    log.warn({ err: error }, 'the schedules could not be declared; overdue sweeps are run all the same'),
  );
  const ticker = startTicker(
    CHECK_MS,
    (signal) => sweepOverdue(parts, signal),
    (error) => log.warn({ err: error }, 'an overdue sweep failed'),
  );
  stack.defer(() => ticker.close());
}
