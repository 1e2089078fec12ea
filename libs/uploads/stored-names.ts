import type { Queryable } from '#database/pool.ts';
import type { Zone } from '#uploads/storage.ts';

const NAMES = `
  select stored_name as name, case when bool_or(status = 'clean') then 'clean' else 'quarantine' end as zone
  from upload where stored_name is not null and deleted_at is null
  group by stored_name order by stored_name`;

/** Every file that a row wants to be there, and in which zone. */
export async function storedNames(client: Queryable): Promise<{ name: string; zone: Zone }[]> {
  return (await client.query<{ name: string; zone: Zone }>(NAMES)).rows;
}
