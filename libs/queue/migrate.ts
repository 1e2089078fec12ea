import { runMigrations } from 'bullmq';
import { inTransaction, openPool, type PoolClient } from '#database/pool.ts';
import type { QueueContract } from '#queue/contract.ts';
import { isRedisUrl } from '#redis/address.ts';

export const QUEUE_SCHEMA = 'bullmq';

/** Rows of these two come and go with every job: by default a fifth of the table may be dead before it is cleaned. */
const TUNING = `
  alter table bullmq.job set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
  alter table bullmq.event set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1)`;

const GRANTS = `
  grant usage on schema bullmq to %1$I;
  grant select, insert, update, delete on all tables in schema bullmq to %1$I;
  revoke insert, update, delete on bullmq.migration from %1$I;
  grant usage, select, update on all sequences in schema bullmq to %1$I;
  grant execute on all functions in schema bullmq to %1$I;
  alter default privileges in schema bullmq grant select, insert, update, delete on tables to %1$I;
  alter default privileges in schema bullmq grant usage, select, update on sequences to %1$I;
  alter default privileges in schema bullmq grant execute on functions to %1$I`;

/**
 * Brings the queue's schema up to date (PostgreSQL only; nothing to do on Redis), and lets the role of `url` use it
 * where `ownerUrl` names another one. Any number of processes may call it at once.
 */
export async function migrateQueue(
  url: string,
  contracts: readonly QueueContract[],
  { ownerUrl = url }: { ownerUrl?: string } = {},
): Promise<void> {
  if (isRedisUrl(url)) return;
  let lost: Error | undefined;
  const pool = openPool(ownerUrl, {
    name: 'queue-migrate',
    max: 1,
    statementMs: 60_000,
    lockMs: 30_000,
    onError: (error) => {
      lost = error;
    },
  });
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client, QUEUE_SCHEMA);
    } finally {
      client.release(lost);
    }
    await inTransaction(pool, async (client) => {
      await client.query('select pg_advisory_xact_lock(hashtext($1))', ['portcullis:migrate-queue']);
      await client.query(TUNING);
      await makeIdSequences(client, contracts);
      await grant(client, decodeURIComponent(new URL(url).username));
    });
  } finally {
    await pool.end();
  }
}

/** BullMQ makes a queue's sequence when its first job is added, which the application's role has no right to do. */
async function makeIdSequences(client: PoolClient, contracts: readonly QueueContract[]): Promise<void> {
  await client.query('set local search_path = bullmq');
  for (const { name } of contracts) {
    await client.query(
      `do $$ begin execute format('create sequence if not exists %I', job_id_seq_name(${client.escapeLiteral(name)})); end $$`,
    );
  }
}

async function grant(client: PoolClient, role: string): Promise<void> {
  const { rows } = await client.query<{ grants: string }>(
    `select format($2, $1::text) as grants where $1 not in ('', current_user)`,
    [role, GRANTS],
  );
  if (rows[0] !== undefined) await client.query(rows[0].grants);
}
