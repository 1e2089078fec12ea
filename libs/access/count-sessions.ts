import type { Queryable } from '#database/pool.ts';

/** Sessions that may still be refreshed. */
export async function countSessions(client: Queryable): Promise<number> {
  const { rows } = await client.query<{ count: number }>(`
    select count(*) from refresh_token
    where ended_at is null and now() < idle_expires_at and now() < absolute_expires_at`);
  return rows[0]?.count ?? 0;
}
