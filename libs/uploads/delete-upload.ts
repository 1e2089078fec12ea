import { databaseFailure, inTransaction, type Pool } from '#database/pool.ts';
import type { Sight } from '#uploads/find-uploads.ts';
import type { RecordUploadEvents } from '#uploads/record.ts';
import { removeUnnamed } from '#uploads/remove-bytes.ts';
import type { Storage } from '#uploads/storage.ts';

// The row stays for a while without its bytes: it counts against the hourly limit and answers for its key.
const DELETE = `
  with target as (
    select id, stored_name from upload
    where id = $1 and deleted_at is null and ($2::uuid is null or owner_id = $2) for update)
  update upload u set deleted_at = now(), updated_at = now(), version = u.version + 1, stored_name = null
  from target where u.id = target.id
  returning target.stored_name as "storedName", u.owner_id as "ownerId"`;

/** Deletes an upload whatever its status; a verdict that comes later finds it gone. False if there is none. */
export async function deleteUpload(
  deps: { pool: Pool; storage: Storage; record: RecordUploadEvents },
  id: string,
  sight: Sight,
  actor: { kind: 'user' | 'token'; userId: string },
): Promise<boolean> {
  try {
    const deleted = await inTransaction(deps.pool, async (client) => {
      const values = [id, sight === 'all' ? null : sight.ownerId];
      const { rows } = await client.query<{ storedName: string | null; ownerId: string }>(DELETE, values);
      const row = rows[0];
      if (row === undefined) return undefined;
      await deps.record(client, [
        {
          type: 'upload.deleted',
          actorKind: actor.kind,
          actorId: actor.userId,
          targetKind: 'upload',
          targetId: id,
          details: { byOwner: row.ownerId === actor.userId },
        },
      ]);
      return row;
    });
    if (deleted === undefined) return false;
    if (deleted.storedName !== null) await removeUnnamed(deps, deleted.storedName);
    return true;
  } catch (error) {
    throw databaseFailure(error);
  }
}
