import { databaseFailure, inTransaction, type Pool, type Queryable } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import { obstacleOf, replayObstacles, type KeptForReplay, type ReplayObstacle } from '#webhooks/judge-replay.ts';
import type { ReceiptActor, RecordReceiptActs } from '#webhooks/receipt-act.ts';
import { reopenReceipts, type Reopened } from '#webhooks/reopen-receipts.ts';
import type { Sources } from '#webhooks/sources.ts';

export interface ReplayContext {
  pool: Pool;
  sources: Sources;
  record: RecordReceiptActs;
  /** Told after the commit what is due at once; what it can't deliver the relay finds. */
  onReopened: (reopened: Reopened) => void;
}

/** Bodies that are in memory at once. */
const READ_BYTES = 16 * 1024 * 1024;
const READ_ROWS = 100;
/** What many receipts may ask of the handlers, so that a replay leaves room for what comes in. */
const RECEIPTS_PER_SECOND = 50;

export interface BulkReplay {
  /** Receipts that were reopened; in a dry run those that would be. */
  count: number;
  /** Receipts that something is in the way of, by what it is. */
  obstacles: Partial<Record<ReplayObstacle, number>>;
}

/**
 * Hands a receipt's events to the handlers again, at once.
 * @throws Failure `not-found`, `receipt-unreplayable`, `database-unavailable`.
 */
export async function replayReceipt(context: ReplayContext, id: string, actor: ReceiptActor): Promise<void> {
  const [receipt] = (await readKept(context.pool, [id])).receipts;
  if (receipt === undefined) throw new Failure('not-found');
  const obstacle = obstacleOf(context.sources, receipt);
  if (obstacle !== undefined) throw unreplayable(obstacle);
  const reopened = await reopen(context, [{ id, waitSeconds: 0 }], (client, { eventIds }) =>
    context.record(client, [
      {
        ...actor,
        type: 'receipt.replayed',
        targetKind: 'receipt',
        targetId: id,
        source: receipt.source,
        details: { events: eventIds.length },
      },
    ]),
  );
  context.onReopened(reopened);
}

/**
 * The same for many, in their order and not faster than the handlers may be asked; each batch is recorded with its count.
 * A dry run does all but reopen.
 */
export async function replayReceipts(
  context: ReplayContext,
  ids: readonly string[],
  { actor, dryRun }: { actor: ReceiptActor; dryRun: boolean },
): Promise<BulkReplay> {
  const obstacles: BulkReplay['obstacles'] = {};
  const note = (obstacle: ReplayObstacle, count = 1): void => {
    obstacles[obstacle] = (obstacles[obstacle] ?? 0) + count;
  };
  let count = 0;
  let rest = ids;
  while (rest.length > 0) {
    const { receipts, asked } = await readKept(context.pool, rest.slice(0, READ_ROWS));
    rest = rest.slice(asked);
    const replayable = [];
    for (const receipt of receipts) {
      const obstacle = obstacleOf(context.sources, receipt);
      if (obstacle === undefined) replayable.push(receipt);
      else note(obstacle);
    }
    if (dryRun) {
      count += replayable.length;
      continue;
    }
    const paced = replayable.map(({ id }, index) => ({ id, waitSeconds: (count + index) / RECEIPTS_PER_SECOND }));
    const reopened = await reopen(context, paced, (client, batch) =>
      context.record(client, [
        { ...actor, type: 'receipt.replayed', count: batch.count, details: { events: batch.eventIds.length } },
      ]),
    );
    count += reopened.count;
    if (reopened.count < paced.length) note('eventless', paced.length - reopened.count);
  }
  return { count, obstacles };
}

/** Reopens and records in one transaction, or does neither. */
async function reopen(
  { pool }: ReplayContext,
  receipts: readonly { id: string; waitSeconds: number }[],
  recordIn: (client: Queryable, reopened: Reopened) => Promise<void>,
): Promise<Reopened> {
  try {
    return await inTransaction(pool, async (client) => {
      const reopened = await reopenReceipts(client, receipts);
      if (reopened.count > 0) await recordIn(client, reopened);
      else if (receipts.length === 1) throw unreplayable('eventless');
      return reopened;
    });
  } catch (error) {
    throw databaseFailure(error);
  }
}

function unreplayable(obstacle: ReplayObstacle): Failure {
  return new Failure('receipt-unreplayable', { detail: replayObstacles[obstacle], members: { obstacle } });
}

const READ = `
  select id, source, provider, verdict, state, headers, body, received_at as "receivedAt", ordinal
  from (
    select log.*, ordinal, sum(size_bytes) over (order by ordinal) - size_bytes as bytes_before
    from unnest($1::uuid[]) with ordinality as given (id, ordinal) join webhook_log as log using (id)
  ) as kept
  where bytes_before < $2 order by ordinal`;

/** As many of the receipts as their bodies allow; `asked` are the ids that were looked at. */
async function readKept(
  pool: Pool,
  ids: readonly string[],
): Promise<{ receipts: (KeptForReplay & { id: string })[]; asked: number }> {
  try {
    const { rows } = await pool.query<KeptForReplay & { id: string; ordinal: number }>({
      name: 'receipts-kept',
      text: READ,
      values: [ids, READ_BYTES],
    });
    const bytes = rows.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
    const asked = bytes >= READ_BYTES ? (rows.at(-1)?.ordinal ?? ids.length) : ids.length;
    return { receipts: rows, asked };
  } catch (error) {
    throw databaseFailure(error);
  }
}
