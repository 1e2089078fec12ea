import type { Queryable } from '#database/pool.ts';

/** When a step of the rotation of a setting was last taken; undefined if never. */
export async function lastRotation(client: Queryable, setting: string, step: string): Promise<Date | undefined> {
  const { rows } = await client.query<{ at: Date }>(
    `select occurred_at as at from security_event
     where type = 'secret.rotated' and target_id = $1 and details->>'step' = $2
     order by occurred_at desc limit 1`,
    [setting, step],
  );
  return rows[0]?.at;
}
