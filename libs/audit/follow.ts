import { defineEntity, p } from '@mikro-orm/core';
import { inTransaction, type Pool, type PoolClient, type Queryable } from '#database/pool.ts';
import { readSealed, type SealedEvent } from '#audit/read-sealed.ts';

/** How far something has read the sealed events (table audit_cursor). */
export const AuditCursorEntity = defineEntity({
  name: 'AuditCursor',
  tableName: 'audit_cursor',
  properties: {
    name: p.text().primary(),
    /** The last position that was dealt with; 0 before the first. */
    position: p.bigint().defaultRaw('0'),
    movedAt: p.datetime().defaultRaw('now()'),
    failures: p.integer().default(0),
    nextTryAt: p.datetime().defaultRaw('now()'),
    lastError: p.text().nullable(),
  },
});

/** While somebody is at it, nobody else is for this long; who dies meanwhile has its events dealt with again. */
const LEASE_SECONDS = 60;
const MAX_PAUSE_SECONDS = 600;

const ADD = 'insert into audit_cursor (name) values ($1) on conflict (name) do nothing';
const LOCK = 'select position from audit_cursor where name = $1 for update skip locked';
const MOVE = `
  update audit_cursor set position = $2, moved_at = now(), failures = 0, next_try_at = now(), last_error = null
  where name = $1 and position = $3`;
const LEASE = `
  update audit_cursor set next_try_at = now() + make_interval(secs => ${LEASE_SECONDS})
  where name = $1 and next_try_at <= now() returning position`;
const RELEASE = 'update audit_cursor set next_try_at = now() where name = $1 and position = $2';
const FAIL = `
  update audit_cursor set failures = failures + 1, last_error = left($3, 500),
    next_try_at = now() + make_interval(secs => least(${MAX_PAUSE_SECONDS}, 2 * power(2, least(failures, 10))))
  where name = $1 and position = $2`;

/**
 * Hands the next sealed events to `work` inside the transaction that moves the cursor: what `work` writes is there once,
 * however often the process dies. @returns how many there were; 0 also while another process is at it.
 */
export async function followInside(
  pool: Pool,
  name: string,
  limit: number,
  work: (client: PoolClient, events: readonly SealedEvent[]) => Promise<void>,
): Promise<number> {
  await pool.query(ADD, [name]);
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ position: number }>(LOCK, [name]);
    const [cursor] = rows;
    if (cursor === undefined) return 0;
    const events = await readSealed(client, cursor.position, limit);
    const last = events.at(-1);
    if (last === undefined) return 0;
    await work(client, events);
    await client.query(MOVE, [name, last.position, cursor.position]);
    return events.length;
  });
}

/**
 * Hands the next sealed events to `work` and moves the cursor once it has returned: every event at least once, in order,
 * with growing pauses while it throws. @returns how many there were; 0 also while another process is at it.
 */
export async function followOutside(
  pool: Pool,
  name: string,
  limit: number,
  work: (events: readonly SealedEvent[]) => Promise<void>,
): Promise<number> {
  await pool.query(ADD, [name]);
  const { rows } = await pool.query<{ position: number }>(LEASE, [name]);
  const [cursor] = rows;
  if (cursor === undefined) return 0;
  const events = await readSealed(pool, cursor.position, limit);
  const last = events.at(-1);
  if (last === undefined) {
    await pool.query(RELEASE, [name, cursor.position]);
    return 0;
  }
  try {
    await work(events);
  } catch (error) {
    await pool.query(FAIL, [name, cursor.position, error instanceof Error ? error.message : String(error)]);
    throw error;
  }
  await pool.query(MOVE, [name, last.position, cursor.position]);
  return events.length;
}

export interface CursorState {
  name: string;
  position: number;
  movedAt: Date;
  failures: number;
  lastError: string | null;
}

/** Every cursor there is. */
export async function cursorStates(client: Queryable): Promise<CursorState[]> {
  const { rows } = await client.query<CursorState>(
    `select name, position, moved_at as "movedAt", failures, last_error as "lastError" from audit_cursor order by name`,
  );
  return rows;
}
