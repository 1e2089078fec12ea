import type { Queryable } from '#database/pool.ts';
import { isId } from '#runtime/id.ts';

/** The labels of the devices that sessions were begun on, by session id; what is no session's id is left out. */
export async function deviceLabels(client: Queryable, sessionIds: readonly string[]): Promise<Map<string, string>> {
  const ids = sessionIds.filter(isId);
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<{ id: string; label: string }>(
    'select id, device_label as label from user_session where id = any($1::uuid[])',
    [ids],
  );
  return new Map(rows.map(({ id, label }) => [id, label]));
}
