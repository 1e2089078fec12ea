import { databaseFailure, type Pool } from '#database/pool.ts';
import { storable } from '#webhooks/parse-json.ts';
import { STILL_OPEN } from '#webhooks/still-open.ts';

const MAX_ATTEMPTS = 5;

/** A receipt whose processing fails by itself gets later tries, and rests as dead after the last. */
export async function countAttempt(pool: Pool, receiptId: string, error: unknown): Promise<'dead' | 'failed'> {
  const message = error instanceof Error ? error.message : String(error);
  const { rows } = await pool
    .query<{ state: string }>({
      name: 'receipt-attempt',
      text: `
        update webhook_log
        set attempts = attempts + 1, last_error = left($2, 500),
            state = case when attempts + 1 >= $3 then 'dead' else state end,
            closed_at = case when attempts + 1 >= $3 then clock_timestamp() end,
            next_check_at = case when attempts + 1 >= $3 then null
              else now() + make_interval(secs => power(4, attempts + 1) * (0.75 + random() / 2)) end
        where id = $1 and ${STILL_OPEN}
        returning state`,
      values: [receiptId, storable(message), MAX_ATTEMPTS],
    })
    .catch((failure: unknown) => {
      throw databaseFailure(failure);
    });
  return rows[0]?.state === 'dead' ? 'dead' : 'failed';
}

/** The reasons of those of the given receipts that are dead. */
export async function deadReasons(pool: Pool, receiptIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ id: string; last_error: string | null }>(
    "select id, last_error from webhook_log where id = any($1::uuid[]) and state = 'dead'",
    [receiptIds],
  );
  return new Map(rows.map((row) => [row.id, row.last_error ?? 'unknown']));
}
