import { hash } from 'node:crypto';
import { databaseFailure, inTransaction, type Pool, type PoolClient } from '#database/pool.ts';
import { chunksOf } from '#runtime/chunks.ts';
import { findMentions } from '#webhooks/erase/find-mentions.ts';
import { linkedSubjects } from '#webhooks/erase/linked-subjects.ts';
import { LOCK_ORDER } from '#webhooks/insert-receipts.ts';
import type { RecordReceiptActs } from '#webhooks/receipt-act.ts';

const BATCH_ROWS = 200;

export interface EraseContext {
  pool: Pool;
  record: RecordReceiptActs;
}

export interface Erasure {
  /** Everything the person is or was known as. */
  subjects: string[];
  events: number;
  receipts: number;
  messageStatuses: number;
  /** Receipts about the person that are still to be processed: erase again when they are. */
  openReceipts: number;
}

/**
 * Empties everything that is kept about a person: events, bodies and headers of receipts, ids of messages. The rows stay,
 * so that counts stay what they were. A body with updates about others goes as a whole; their events stay.
 * @throws Failure `subject-entangled`, `database-unavailable`.
 */
export async function erasePerson(
  context: EraseContext,
  { subject, source, dryRun }: { subject: string; source?: string | undefined; dryRun: boolean },
): Promise<Erasure> {
  const { pool } = context;
  try {
    const subjects = await linkedSubjects(pool, subject, source);
    const { closed, open } = await findMentions(pool, subjects, source);
    // After the bodies: a receipt that was closed while they were read has its events by now.
    const eventIds = await eventsAbout(pool, subjects, source);
    const erasure = { subjects, events: 0, receipts: 0, messageStatuses: 0, openReceipts: open.length };
    if (dryRun) {
      const messageStatuses = await countStatuses(pool, eventIds);
      return { ...erasure, events: eventIds.length, receipts: closed.length, messageStatuses };
    }
    const subjectSha256 = hash('sha256', subject);
    const erase = (work: (client: PoolClient) => Promise<Partial<Erasure>>): Promise<void> =>
      inTransaction(pool, async (client) => {
        const { events = 0, receipts = 0, messageStatuses = 0 } = await work(client);
        const details = { subjectSha256, events, receipts, messageStatuses };
        await context.record(client, [{ type: 'receipt.erased', actorKind: 'system', details }]);
        erasure.events += events;
        erasure.receipts += receipts;
        erasure.messageStatuses += messageStatuses;
      });
    for (const ids of chunksOf(eventIds, BATCH_ROWS)) await erase((client) => eraseEvents(client, ids));
    for (const ids of chunksOf(closed, BATCH_ROWS)) await erase((client) => eraseReceipts(client, ids));
    return erasure;
  } catch (error) {
    throw databaseFailure(error);
  }
}

async function eventsAbout(pool: Pool, subjects: readonly string[], source: string | undefined): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from webhook_event where subjects && $1::text[] and ($2::text is null or source = $2) order by id',
    [subjects, source],
  );
  return rows.map(({ id }) => id);
}

const STATUSES_OF = `
  select status.source, status.message_id from message_status as status
  join webhook_event as event on status.source = event.source and status.message_id = event.data->>'messageId'
  where event.id = any($1::uuid[])`;

async function countStatuses(pool: Pool, eventIds: readonly string[]): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(distinct (source, message_id)) as n from (${STATUSES_OF}) as found`,
    [eventIds],
  );
  return rows[0]?.n ?? 0;
}

/** Keys and message ids go as well: those of WhatsApp hold the phone number. */
async function eraseEvents(client: PoolClient, ids: readonly string[]): Promise<Partial<Erasure>> {
  const statuses = await client.query(
    `update message_status set message_id = 'erased:' || gen_random_uuid()
     where (source, message_id) in (${STATUSES_OF})`,
    [ids],
  );
  const events = await client.query(
    `update webhook_event
     set event_key = 'erased:' || id, subjects = '{}', data = '{}', raw = '{}', last_error = 'erased',
         state = case when state = 'open' then 'done' else state end, closed_at = coalesce(closed_at, clock_timestamp()),
         next_check_at = null, leased_until = null
     where id = any($1::uuid[])`,
    [ids],
  );
  return { events: events.rowCount ?? 0, messageStatuses: statuses.rowCount ?? 0 };
}

async function eraseReceipts(client: PoolClient, ids: readonly string[]): Promise<Partial<Erasure>> {
  const receipts = await client.query(
    `with locked as (
       select id from webhook_log where id = any($1::uuid[]) and state <> 'open' order by ${LOCK_ORDER} for update
     )
     update webhook_log set body = null, headers = '{}', text_id = null from locked where webhook_log.id = locked.id`,
    [ids],
  );
  return { receipts: receipts.rowCount ?? 0 };
}
