import { databaseFailure, inTransaction } from '#database/pool.ts';
import { Failure } from '#runtime/failure.ts';
import type { ReceiptActor } from '#webhooks/receipt-act.ts';
import { OPEN_AGAIN } from '#webhooks/reopen-receipts.ts';
import type { ReplayContext } from '#webhooks/replay-receipts.ts';

/** Why an event can't be replayed by itself, and the same for people. */
const obstacles = {
  received: 'it came in a webhook: replay its receipt, whose bytes are verified again',
  open: 'it is still being worked on',
  erased: 'it was erased',
} as const;

interface EventRow {
  source: string;
  type: string;
  receipt_id: string | null;
  state: string;
  is_erased: boolean;
}

/**
 * Hands an event that came of no webhook to the handlers again, at once; recorded in the same transaction.
 * @throws Failure `not-found`, `event-unreplayable`, `database-unavailable`.
 */
export async function replayEvent(
  { pool, record, onReopened }: Pick<ReplayContext, 'pool' | 'record' | 'onReopened'>,
  id: string,
  actor: ReceiptActor,
): Promise<void> {
  try {
    await inTransaction(pool, async (client) => {
      const { rows } = await client.query<EventRow>(
        `select source, type, receipt_id, state, event_key like 'erased:%' as is_erased
         from webhook_event where id = $1 for update`,
        [id],
      );
      const [event] = rows;
      if (event === undefined) throw new Failure('not-found');
      const obstacle = obstacleOf(event);
      if (obstacle !== undefined) {
        throw new Failure('event-unreplayable', { detail: obstacles[obstacle], members: { obstacle } });
      }
      await client.query(`update webhook_event set ${OPEN_AGAIN}, next_check_at = now() where id = $1`, [id]);
      const { source, type } = event;
      await record(client, [
        { ...actor, type: 'event.replayed', targetKind: 'event', targetId: id, source, details: { type } },
      ]);
    });
  } catch (error) {
    throw databaseFailure(error);
  }
  onReopened({ receiptIds: [], eventIds: [id], count: 1 });
}

function obstacleOf({
  receipt_id: receiptId,
  state,
  is_erased: isErased,
}: EventRow): keyof typeof obstacles | undefined {
  if (receiptId !== null) return 'received';
  if (state === 'open') return 'open';
  return isErased ? 'erased' : undefined;
}
