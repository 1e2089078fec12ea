import type { Pool } from '#database/pool.ts';

const STATE = `
  select coalesce(sum(size_bytes), 0)::bigint as bytes,
    coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as "oldestSeconds"
  from upload where status in ('quarantined', 'scanning') and deleted_at is null`;

/** What waits for its verdict. */
export async function quarantineState(pool: Pool): Promise<{ bytes: number; oldestSeconds: number }> {
  const { rows } = await pool.query<{ bytes: number; oldestSeconds: number }>({
    name: 'quarantine-state',
    text: STATE,
  });
  return rows[0] ?? { bytes: 0, oldestSeconds: 0 };
}
