import type { Queryable } from '#database/pool.ts';

/** Why an event is dead; undefined if it is not. */
export async function deadEventReason(client: Queryable, eventId: string): Promise<string | undefined> {
  const { rows } = await client.query<{ last_error: string | null }>(
    "select last_error from webhook_event where id = $1 and state = 'dead'",
    [eventId],
  );
  return rows[0] === undefined ? undefined : (rows[0].last_error ?? 'unknown');
}
