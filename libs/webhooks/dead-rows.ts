import type { Queryable } from '#database/pool.ts';

const COUNT = `
  select (select count(*) from webhook_log where state = 'dead') as receipts,
    (select count(*) from webhook_event where state = 'dead') as events`;

/** What was given up and waits for somebody to look at it. */
export async function deadRows(client: Queryable): Promise<{ receipts: number; events: number }> {
  const { rows } = await client.query<{ receipts: number; events: number }>(COUNT);
  return rows[0] ?? { receipts: 0, events: 0 };
}
