import { databaseFailure, type Queryable } from '#database/pool.ts';
import { ownSource } from '#webhooks/insert-own-events.ts';
import type { EventPage } from '#webhooks/list-receipt-events.ts';
import { shownEvent, type ShownEventRow } from '#webhooks/shown-event.ts';

const COLUMNS = `
  id, event_key as "eventKey", type, occurred_at as "occurredAt", subjects, data, state, attempts, replay,
  last_error as "lastError", created_at as "createdAt", closed_at as "closedAt"`;

export interface OwnEventQuery {
  state?: 'open' | 'done' | 'dead' | undefined;
  limit: number;
  /** The id of the last event of the page before. */
  cursor?: string | undefined;
}

/** Events that came of no webhook: verdicts on uploads. The newest first, personal data masked. @throws Failure `database-unavailable`. */
export async function listOwnEvents(client: Queryable, { state, limit, cursor }: OwnEventQuery): Promise<EventPage> {
  const values: unknown[] = [ownSource, limit + 1];
  const conditions = ['source = $1', 'receipt_id is null'];
  if (state !== undefined) conditions.push(`state = $${values.push(state)}`);
  if (cursor !== undefined) {
    const at = `select created_at, id from webhook_event where id = $${values.push(cursor)}`;
    conditions.push(`(created_at, id) < (${at})`);
  }
  try {
    const { rows } = await client.query<ShownEventRow>(
      `select ${COLUMNS} from webhook_event where ${conditions.join(' and ')} order by created_at desc, id desc limit $2`,
      values,
    );
    const items = rows.slice(0, limit).map((row) => shownEvent(row, { isRevealed: false }));
    return { items, nextCursor: rows.length > limit ? items.at(-1)?.id : undefined };
  } catch (error) {
    throw databaseFailure(error);
  }
}
