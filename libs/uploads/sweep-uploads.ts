import { inTransaction, type Pool } from '#database/pool.ts';
import { removeUnnamed } from '#uploads/remove-bytes.ts';
import type { Storage, Zone } from '#uploads/storage.ts';
import { announceNothing, VERDICT_COLUMNS, type AnnounceVerdicts, type UploadVerdict } from '#uploads/verdict.ts';

export interface SweepParts {
  pool: Pool;
  storage: Storage;
  announce?: AnnounceVerdicts | undefined;
}

const BATCH = 500;
/** Bytes come in before their row does, so a file may be without one for as long as an upload takes. */
const ORPHAN_AGE_MS = 2 * 3_600_000;
const QUARANTINE_DAYS = 7;
const DELETED_DAYS = 30;

const NAMED = `select stored_name as name from upload where stored_name = any($1)`;

// While there is no scanner nobody takes up what a worker was scanning when it ended.
const EXPIRE = `
  with due as (
    select id, stored_name from upload
    where status in ('quarantined', 'scanning', 'scan-failed') and created_at < now() - $1 * interval '1 day'
      and (status <> 'scanning' or next_check_at < now())
      and stored_name is not null and deleted_at is null
    order by id limit $2 for update skip locked)
  update upload set status = 'expired', reason = 'expired', stored_name = null, version = version + 1,
    updated_at = now()
  from due where upload.id = due.id
  returning due.stored_name as "storedName", ${VERDICT_COLUMNS}`;

const FORGET = `
  delete from upload where id in (
    select id from upload where deleted_at < now() - $1 * interval '1 day' limit $2)`;

/** Removes files that no row names: what crashes have left behind. @returns how many. */
export async function sweepOrphans(
  { pool, storage }: SweepParts,
  signal: AbortSignal,
  minAgeMs = ORPHAN_AGE_MS,
): Promise<number> {
  let removed = 0;
  for (const zone of ['quarantine', 'clean'] satisfies Zone[]) {
    let names: string[] = [];
    const sweepBatch = async (): Promise<void> => {
      const { rows } = await pool.query<{ name: string }>(NAMED, [names]);
      const named = new Set(rows.map(({ name }) => name));
      const orphans = names.filter((name) => !named.has(name));
      for (const name of orphans) await storage.remove(zone, name);
      removed += orphans.length;
      names = [];
    };
    for await (const file of storage.list(zone)) {
      if (signal.aborted) return removed;
      if (Date.now() - file.modifiedAt.getTime() < minAgeMs) continue;
      names.push(file.name);
      if (names.length === BATCH) await sweepBatch();
    }
    await sweepBatch();
  }
  return removed;
}

/** Gives up what nobody could scan for a week. @returns how many. */
export async function sweepExpired(parts: SweepParts, signal: AbortSignal, days = QUARANTINE_DAYS): Promise<number> {
  let expired = 0;
  while (!signal.aborted) {
    const rows = await expireBatch(parts, days);
    for (const { storedName } of rows) await removeUnnamed(parts, storedName);
    expired += rows.length;
    if (rows.length < BATCH) break;
  }
  return expired;
}

async function expireBatch(
  { pool, announce = announceNothing }: SweepParts,
  days: number,
): Promise<(UploadVerdict & { storedName: string })[]> {
  const { rows, announced } = await inTransaction(pool, async (client) => {
    const result = await client.query<UploadVerdict & { storedName: string }>(EXPIRE, [days, BATCH]);
    return { rows: result.rows, announced: await announce(client, result.rows) };
  });
  announced();
  return rows;
}

/** Forgets the rows of deleted uploads after a month. @returns how many. */
export async function sweepDeleted({ pool }: SweepParts, signal: AbortSignal, days = DELETED_DAYS): Promise<number> {
  let forgotten = 0;
  while (!signal.aborted) {
    const { rowCount } = await pool.query(FORGET, [days, BATCH]);
    forgotten += rowCount ?? 0;
    if ((rowCount ?? 0) < BATCH) break;
  }
  return forgotten;
}

const IS_CLEAN = "status = 'clean' and deleted_at is null";
const SEEN_BY = "coalesce(signature_version, '')";

/** One look into the index for each version of the signatures that some clean upload was last scanned with. */
const OLDER_VERSIONS = `
  with recursive version (name) as (
    (select ${SEEN_BY} from upload where ${IS_CLEAN} order by ${SEEN_BY} limit 1)
    union all
    select (select ${SEEN_BY} from upload where ${IS_CLEAN} and ${SEEN_BY} > version.name order by ${SEEN_BY} limit 1)
    from version where name is not null
  )
  select name from version where name <> $1`;

const OUTDATED = `
  select id, created_at::text as "createdAt" from upload
  where ${IS_CLEAN} and ${SEEN_BY} = $1 and created_at > now() - $2 * interval '1 day'
    and (created_at, id) > ($3::timestamptz, $4::uuid)
  order by created_at, id limit $5`;

const RESCAN_DAYS = 30;
/** More in one sweep would keep new uploads waiting behind them, and be rung for again before they are done. */
const RESCANS = 2_000;
const BEGINNING = { createdAt: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/**
 * Rings for recent clean uploads that the present signatures have not seen, so many in one sweep: what was scanned with one
 * version of the signatures, the oldest upload first, then what was scanned with the next. @returns how many.
 */
export async function sweepOutdated(
  { pool, ring }: { pool: Pool; ring: (uploadIds: readonly string[]) => Promise<void> },
  signatureVersion: string,
  signal: AbortSignal,
  limit = RESCANS,
): Promise<number> {
  let rung = 0;
  const older = await pool.query<{ name: string }>(OLDER_VERSIONS, [signatureVersion]);
  for (const { name } of older.rows) {
    let after: typeof BEGINNING | undefined = BEGINNING;
    while (after !== undefined && rung < limit && !signal.aborted) {
      const values = [name, RESCAN_DAYS, after.createdAt, after.id, Math.min(BATCH, limit - rung)];
      const page: { rows: (typeof BEGINNING)[] } = await pool.query(OUTDATED, values);
      after = page.rows.at(-1);
      if (after !== undefined) await ring(page.rows.map(({ id }) => id));
      rung += page.rows.length;
    }
  }
  return rung;
}
