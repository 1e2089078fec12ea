import { inTransaction } from '#database/pool.ts';
import type { AccessContext } from '#access/context.ts';
import { openPrivateKey, sealPrivateKey } from '#access/sealed-key.ts';

interface KeyRow {
  id: string;
  sealed_private_key: Buffer;
  secret_id: string;
}

/**
 * After a change of SESSION_SECRET: encrypts the signing keys of the old secret under the new one, in one transaction. Run
 * it when every process knows both.
 * @returns how many keys were sealed anew.
 */
export async function resealSigningKeys({ pool, keys }: Pick<AccessContext, 'pool' | 'keys'>): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<KeyRow>(
      'select id, sealed_private_key, secret_id from signing_key where secret_id <> $1 order by id for update',
      [keys.first.id],
    );
    let count = 0;
    for (const row of rows) {
      const old = keys.byId(row.secret_id);
      if (old === undefined) continue;
      const sealed = sealPrivateKey(keys.first, row.id, openPrivateKey(old, row.id, row.sealed_private_key));
      await client.query('update signing_key set sealed_private_key = $2, secret_id = $3 where id = $1', [
        row.id,
        sealed,
        keys.first.id,
      ]);
      count += 1;
    }
    return count;
  });
}
