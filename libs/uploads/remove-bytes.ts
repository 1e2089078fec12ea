import type { Pool } from '#database/pool.ts';
import { isFailure } from '#runtime/failure.ts';
import type { Storage } from '#uploads/storage.ts';

const USERS = `select 1 from upload where stored_name = $1 limit 1`;

/**
 * Removes a file that no upload names any more. Equal files of one owner share their bytes, so others may still need
 * them. A crash before this, or a storage that is away, leaves an orphan, which nobody can read and the sweep finds.
 */
export async function removeUnnamed(deps: { pool: Pool; storage: Storage }, storedName: string): Promise<void> {
  const { rowCount } = await deps.pool.query({ name: 'upload-bytes-users', text: USERS, values: [storedName] });
  if (rowCount !== 0) return;
  try {
    await deps.storage.remove('quarantine', storedName);
    await deps.storage.remove('clean', storedName);
  } catch (error) {
    if (!isFailure(error, 'storage-unavailable')) throw error;
  }
}
