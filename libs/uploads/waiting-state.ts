import type { Queryable } from '#database/pool.ts';

const STATE = `
  select count(*) as open, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as "oldestSeconds"
  from upload where status in ('quarantined', 'scanning') and deleted_at is null`;

/** Uploads without a verdict, and the age of the oldest in seconds; 0 if there is none. */
export async function waitingState(client: Queryable): Promise<{ open: number; oldestSeconds: number }> {
  const { rows } = await client.query<{ open: number; oldestSeconds: number }>(STATE);
  return rows[0] ?? { open: 0, oldestSeconds: 0 };
}
