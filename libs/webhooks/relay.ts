import type { Queryable } from '#database/pool.ts';

/** What the relay takes in one look. */
export const RELAY_ROWS = 1_024;
/** A row this late is rung for however long the queue is. */
const OVERDUE_SECONDS = 60;
const MAX_PAUSE_SECONDS = 600;

export interface ClaimOptions {
  limit?: number;
  /** Only rows that have waited so long that their jobs must be lost. */
  onlyOverdue?: boolean;
}

const CLAIM_RECEIPTS = `
  with due as (
    select id from webhook_log
    where state = 'open' and next_check_at <= now() - make_interval(secs => $2)
    order by next_check_at
    limit $1
    for update skip locked
  )
  update webhook_log
  set checks = checks + 1,
      next_check_at = now() + make_interval(secs => least(${MAX_PAUSE_SECONDS}, 5 * power(2, least(checks, 7))))
  from due where webhook_log.id = due.id
  returning webhook_log.id`;

/** Without a lease an event is in nobody's hands; with a fresh one its worker is still at it. */
const CLAIM_EVENTS = `
  with due as (
    select id from webhook_event
    where state = 'open' and next_check_at <= now() - make_interval(secs => $2)
    order by next_check_at
    limit $1
    for update skip locked
  )
  update webhook_event set next_check_at = now() + interval '30 seconds'
  from due where webhook_event.id = due.id
  returning webhook_event.id`;

/** Takes open receipts whose time has come and pushes their next time out, so that no other worker takes them meanwhile. */
export function claimDueReceipts(client: Queryable, options: ClaimOptions = {}): Promise<string[]> {
  return claim(client, 'receipts-due', CLAIM_RECEIPTS, options);
}

/** The same for events that wait for handlers. */
export function claimDueEvents(client: Queryable, options: ClaimOptions = {}): Promise<string[]> {
  return claim(client, 'events-due', CLAIM_EVENTS, options);
}

async function claim(client: Queryable, name: string, text: string, options: ClaimOptions): Promise<string[]> {
  const { limit = RELAY_ROWS, onlyOverdue = false } = options;
  const { rows } = await client.query<{ id: string }>({
    name,
    text,
    values: [limit, onlyOverdue ? OVERDUE_SECONDS : 0],
  });
  return rows.map((row) => row.id);
}

/** One statement may not take longer than any other, however much is open. */
const DUE_ROWS = 5_000;

const makeDue = (table: string, condition: string): string => `
  with waiting as (
    select id from ${table}
    where state = 'open' and attempts = 0 and next_check_at > now() and ${condition}
    limit ${DUE_ROWS}
    for update skip locked
  )
  update ${table} set next_check_at = now() from waiting where ${table}.id = waiting.id`;

const MAKE_DUE = [makeDue('webhook_log', 'true'), makeDue('webhook_event', 'leased_until is null')];

/**
 * Makes all that is open due, because the queue has lost its jobs; what waits for a later try keeps waiting, and what
 * somebody has in hand is not waited for: it is being done, or becomes due by itself.
 */
export async function makeAllDue(client: Queryable): Promise<void> {
  for (const statement of MAKE_DUE) {
    let rows: number | null = DUE_ROWS;
    while (rows === DUE_ROWS) ({ rowCount: rows } = await client.query(statement));
  }
}

/** Open rows of both tables and the age of the oldest, in seconds; 0 if there is none. */
export async function backlogOf(
  client: Queryable,
): Promise<Record<'receipts' | 'events', { open: number; oldestSeconds: number }>> {
  const { rows } = await client.query<{
    receipts: number;
    oldest_receipt: number;
    events: number;
    oldest_event: number;
  }>(`
    select receipts, coalesce(extract(epoch from now() - oldest_receipt), 0)::float8 as oldest_receipt,
      events, coalesce(extract(epoch from now() - oldest_event), 0)::float8 as oldest_event
    from (select count(*) as receipts, min(received_at) as oldest_receipt from webhook_log where state = 'open') as log,
      (select count(*) as events, min(created_at) as oldest_event from webhook_event where state = 'open') as event`);
  const row = rows[0];
  return {
    receipts: { open: row?.receipts ?? 0, oldestSeconds: row?.oldest_receipt ?? 0 },
    events: { open: row?.events ?? 0, oldestSeconds: row?.oldest_event ?? 0 },
  };
}
