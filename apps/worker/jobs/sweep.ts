import { sweepAccess } from '#access/sweep-access.ts';
import { keepMonths } from '#audit/drop-months.ts';
import { verifyRegularly } from '#audit/verification.ts';
import type { Pool } from '#database/pool.ts';
import { sweepDurableCounters } from '#limits/durable-counter.ts';
import { consume } from '#queue/consumer.ts';
import { overdueSweeps, runSweep, type Sweep } from '#queue/sweep-run.ts';
import { sweeps, type SweepName } from '#queue/sweeps.ts';
import type { Producer } from '#queue/producer.ts';
import type { Log } from '#runtime/log.ts';
import { uploads } from '#uploads/queue.ts';
import type { SignatureState } from '#uploads/signature-state.ts';
import type { Storage } from '#uploads/storage.ts';
import { sweepDeleted, sweepExpired, sweepOrphans, sweepOutdated } from '#uploads/sweep-uploads.ts';
import type { AnnounceVerdicts } from '#uploads/verdict.ts';
import type { RetentionDaysOf } from '#webhooks/retention.ts';
import { sweepReceipts } from '#webhooks/sweep-receipts.ts';

/** Twice the longest interval between two runs of a sweep. */
const PATIENCE_SECONDS = 2 * 3_600;

export interface SweepParts {
  pool: Pool;
  log: Log;
  retentionDaysOf: RetentionDaysOf;
  storage: Storage;
  announce: AnnounceVerdicts;
  producer: Producer;
  /** Names of the cursors that must have passed a month of security events before it is dropped. */
  receivers: readonly string[];
  /** Undefined where no scanner is named. */
  identifySignatures: (() => Promise<SignatureState>) | undefined;
}

/** Every sweep there is. */
function sweepsOf(parts: SweepParts): Record<SweepName, Sweep> {
  const { pool, retentionDaysOf } = parts;
  return {
    receipts: (signal) => sweepReceipts(pool, retentionDaysOf, signal),
    sessions: (signal) => sweepAccess(pool, signal),
    limits: (signal) => sweepDurableCounters(pool, signal),
    async uploads(signal) {
      const expired = await sweepExpired(parts, signal);
      return expired + (await sweepOrphans(parts, signal)) + (await sweepDeleted(parts, signal));
    },
    rescans: (signal) => ringForOutdated(parts, signal),
    months: (signal) => keepMonths(pool, parts.receivers, signal),
    async chain(signal) {
      const { fault } = await verifyRegularly(pool, signal);
      if (fault !== undefined) parts.log.error({ fault }, 'the chain of security events is broken');
      return 0;
    },
  };
}

/** Files that an older database of signatures called clean are scanned again. */
async function ringForOutdated(
  { pool, producer, identifySignatures }: SweepParts,
  signal: AbortSignal,
): Promise<number> {
  if (identifySignatures === undefined) return 0;
  const { version } = await identifySignatures();
  const ring = (ids: readonly string[]): Promise<void> =>
    producer.ringMany(
      uploads,
      ids.map((uploadId) => ({ uploadId })),
    );
  return sweepOutdated({ pool, ring }, version, signal);
}

/** Regular work that the queue asks for. */
export function sweep(parts: SweepParts) {
  const works = sweepsOf(parts);
  return consume(sweeps, async ({ sweep: name }, signal) => {
    const swept = await runSweep(parts.pool, name, works[name], signal);
    if (swept > 0) parts.log.info({ sweep: name, swept }, 'swept');
  });
}

/** Runs the sweeps whose schedule was lost with the queue. */
export async function sweepOverdue(parts: SweepParts, signal: AbortSignal): Promise<void> {
  const works = sweepsOf(parts);
  for (const name of await overdueSweeps(parts.pool, Object.keys(works), PATIENCE_SECONDS)) {
    parts.log.warn({ sweep: name }, 'a sweep is overdue and is run by the worker itself');
    await runSweep(parts.pool, name, works[name as SweepName], signal);
  }
}
